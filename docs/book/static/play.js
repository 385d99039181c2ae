/* The page that needs no Python. Physics: physics.js. Networks and images of a run: network.js, written by artifact/interactive.py. */
"use strict";
(() => {
const READS = 100, WARM = 40, COLDEST = 0.1, HOTTEST = 200, PLACES = 60;
const find = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const networks = DRAGON.moments.map((moment) => new Network(DRAGON, moment)), trained = networks.at(-1);
const images = DRAGON.images.map((one) => ({...one, pixels: unpack(one.pixels), name: `test image ${one.row}, a ${one.label}`}));
const state = {moment: 0, seed: 1, pixels: null, label: 0};  // label: the right answer
let found, heads = [], counting, playing, warm, curves, warming;

const now = () => networks[state.moment];
const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
const lowest = (energies) => energies.indexOf(Math.min(...energies));

/** Anneal the image in a network. course: energies above the right answer and overlaps with it of all reads, before each sweep and at the end. */
function anneal(network) {
  const fields = network.fields(state.pixels), right = network.clamped(fields, state.label), zero = network.energy(fields, right);
  const reads = new Reads(network, fields, READS, state.seed), course = [];
  const look = () => course.push({energies: reads.energies().map((energy) => energy - zero), overlaps: reads.overlaps(right)});
  look();
  for (const beta of network.schedule(DRAGON.sweeps)) {
    reads.sweep(beta);
    look();
  }
  reads.descend();
  look();
  const {energies} = course.at(-1), shown = reads.states.map((one) => network.shown(one));
  const kinds = shown.map((one, read) => (one === state.label ? "right" : energies[read] <= DRAGON.margin ? "head" : "other"));
  return {network, states: reads.states, zero, course, kinds, own: shown[lowest(energies)], classes: network.classEnergies(fields)};
}
const number = (found, kind) => found.kinds.filter((one) => one === kind).length;

function told({network, own, classes}) {
  const judged = (answer) => (answer === null ? "undecided" : `${answer}, ${answer === state.label ? "right" : "wrong"}`);
  return `After ${network.step.toLocaleString("en")} updates the network answers ${judged(lowest(classes))}; the annealer’s own answer is ${judged(own)}. ` +
    `Of ${READS} reads ${number(found, "right")} are right and ${number(found, "head")} are heads.`;
}

/** The reads where they ended, or falling there. */
function showReads(falling) {
  const svg = find("landscape"), all = (falling ? found.course : found.course.slice(-1)).flatMap((one) => one.energies);
  const bottom = 1.1 * Math.min(-11, ...all), {across, up, add, left, right, top} = picture(svg, 340,
    {range: [-0.6, 1.05], ticks: [-0.5, 0, 0.5, 1], name: "overlap with the right answer"},
    {range: [bottom, 1.1 * Math.max(100, ...all)], ticks: [-300, -100, -30, -10, 0, 10, 30, 100, 300, 1000],
     name: "energy above the right answer", bend: (energy) => Math.asinh(energy / 10)},
    `Energy of ${READS} reads above the right answer against their overlap with it. ${told(found)}`);
  add("rect", {class: "band", x: left, width: right - left, y: up(DRAGON.margin), height: up(bottom) - up(DRAGON.margin)});
  Object.entries({right: "right", head: "heads", other: "wrong, higher"}).forEach(([kind, name], column) => {
    const x = left + 6 + 84 * column;
    add("path", {class: kind, d: SHAPES[kind], transform: `translate(${x} ${top - 14})`});
    add("text", {x: x + 10, y: top - 10}, `${number(found, kind)} ${name}`);
  });
  const marks = found.kinds.map((kind) => add("path", {class: `mark ${kind}`, d: SHAPES[kind]}));
  add("path", {class: "star", d: SHAPES.star, transform: `translate(${across(1)} ${up(0)})`});
  const place = ({overlaps, energies}) => {
    const places = energies.map((energy, read) => `translate(${across(Math.max(-0.58, overlaps[read]))}px, ${up(energy)}px)`);
    marks.forEach((mark, read) => {
      mark.style.transform = `${places[read]} scale(${places.filter((one) => one === places[read]).length ** 0.25})`;
    });
  };
  clearTimeout(playing);
  svg.classList.toggle("falling", falling && !still);
  const fall = (sweep) => {
    place(found.course[sweep]);
    if (sweep + 1 < found.course.length) playing = setTimeout(fall, 90, sweep + 1);
    else svg.classList.remove("falling");
  };
  fall(falling && !still ? 0 : found.course.length - 1);
}

function showClasses() {
  const answer = lowest(found.classes), levels = found.classes.map((energy) => energy - found.classes[answer]), most = Math.max(...levels);
  const {across, up, add} = picture(find("classes"), 340,
    {range: [-0.6, levels.length - 0.4], ticks: [...levels.keys()], name: "class; ★ the right one"},
    {range: [-0.05 * most, most], ticks: ticksUpTo(most), name: "energy above the answer"},
    `Energies of the classes above that of the answer, ${answer}: ${levels.map((level, one) => `${one}: ${level.toFixed(1)}`).join(", ")}.`);
  levels.forEach((level, one) => {
    add("line", {class: one === answer ? "level now" : "level", x1: across(one - 0.4), x2: across(one + 0.4), y1: up(level), y2: up(level)});
    if (one === state.label) add("path", {class: "star", d: SHAPES.star, transform: `translate(${across(one)} ${up(level)}) scale(0.8)`});
  });
}

/** Heads along training, a bar a network, above the places of the slider. */
function showHeads() {
  const {across, up, add} = picture(find("heads"), 120,
    {range: [0, networks.length - 1], ticks: [], name: "updates"}, {range: [0, READS]}, `Heads among ${READS} reads along training: ${heads.join(", ")}.`);
  const step = across(1) - across(0);
  heads.forEach((count, moment) => {
    const chosen = moment === state.moment ? " chosen" : "", updates = networks[moment].step;
    add("rect", {class: `bar${chosen}`, x: across(moment) - 9, width: 18, y: up(count), height: up(0) - up(count)});
    add("text", {class: chosen, x: across(moment), y: up(count) - 4, "text-anchor": "middle"}, count);
    add("text", {class: chosen, x: across(moment), y: up(0) + 15, "text-anchor": "middle"},
      step < 38 && updates >= 1000 ? `${(updates / 1000).toFixed(1)}k` : updates);
  });
}

/** Anneal in the network of the moment and show what is found. */
function look(falling = false) {
  found = anneal(now());
  heads[state.moment] = number(found, "head");
  showReads(falling);
  showClasses();
  showHeads();
  find("told").textContent = told(found);
  find("seed").textContent = `${READS} reads of ${DRAGON.sweeps} sweeps, seed ${state.seed}`;
  find("when").textContent = `${now().step.toLocaleString("en")} updates, test error ${(100 * now().error).toFixed(1)} %`;
  find("moment").setAttribute("aria-valuetext", find("when").textContent);
}
/** Count heads in all networks, one at a time, so that the page stays awake. */
function count(moment = 0) {
  clearTimeout(counting);
  if (moment !== state.moment) heads[moment] = number(anneal(networks[moment]), "head");
  showHeads();
  if (moment + 1 < networks.length) counting = setTimeout(count, 0, moment + 1);
}

// Melting
const temperature = (place = Number(find("temperature").value)) => COLDEST * (HOTTEST / COLDEST) ** (place / PLACES);

/** Reads that start in the right answer, to be kept at fixed temperatures. */
function started(network, count) {
  const fields = network.fields(state.pixels), right = network.clamped(fields, state.label);
  return {network, right, reads: new Reads(network, fields, count, state.seed, right)};
}
/** Their overlap with it while they are warmed up, ten sweeps at each second place of the slider, the last four looked at. */
function warmedUp(network) {
  const {right, reads} = started(network, 20);
  return Array.from({length: PLACES / 2 + 1}, (_, at) => mean(Array.from({length: 10}, () => {
    reads.sweep(1 / temperature(2 * at));
    return mean(reads.overlaps(right));
  }).slice(6)));
}
function showMelting() {
  const overlap = mean(warm.reads.overlaps(warm.right)), {across, up, add, top} = picture(find("melting"), 270,
    {range: [COLDEST, HOTTEST], ticks: [0.1, 1, 10, 100], name: "temperature", bend: Math.log}, {range: [-0.25, 1.05], ticks: [0, 0.5, 1], name: "overlap m"},
    `Overlap with the right answer against temperature, falling from 1 to 0; now ${overlap.toFixed(2)}.`);
  Object.entries({untrained: "untrained", trained: "trained", now: "this network"}).forEach(([name, text], row) => {
    const y = top + 8 + 18 * row, x = across(14);
    add("polyline", {class: `curve ${name}`, points: curves[name].map((value, at) => `${across(temperature(2 * at))},${up(value)}`).join(" ")});
    add("line", {class: `curve ${name}`, x1: x, x2: x + 26, y1: y, y2: y});
    add("text", {x: x + 32, y: y + 4}, text);
  });
  add("circle", {class: "dot", cx: across(temperature()), cy: up(overlap), r: 6});
  showSpins();
  find("heat").textContent = `T = ${Number(temperature().toPrecision(2))}`;
  find("temperature").setAttribute("aria-valuetext", find("heat").textContent);
  return overlap;
}
/** One of the reads: which spins are still as in the right answer, and which classes the outputs show. */
function showSpins() {
  const svg = find("spins"), {right, network: {hidden, spins, copies}} = warm, [read] = warm.reads.states, columns = 12, side = 16;
  const rows = Math.ceil(hidden / columns), flipped = read.filter((spin, at) => spin !== right[at]).length;
  svg.setAttribute("viewBox", `0 0 ${columns * side} ${(rows + Math.ceil((spins - hidden) / columns) + 2.4) * side}`);
  svg.setAttribute("aria-label", `Spins of one read: ${flipped} of ${spins} differ from the right answer.`);
  svg.replaceChildren(element("text", {x: 0, y: 12}, "one read: hidden spins"), element("text", {x: 0, y: (rows + 2) * side}, "outputs"));
  read.forEach((spin, at) => {
    const place = at < hidden ? at : at - hidden, x = (place % columns) * side, y = (Math.floor(place / columns) + (at < hidden ? 1 : rows + 2.3)) * side;
    svg.append(element("rect", {class: spin === right[at] ? "kept" : "flipped", x: x + 1, y: y + 1, width: side - 2, height: side - 2, rx: 2}));
    if (at >= hidden) svg.append(element("text", {class: "on", x: x + side / 2, y: y + 12, "text-anchor": "middle"}, spin > 0 ? Math.floor(place / copies) : "·"));
  });
}
/** Sixty sweeps at the temperature of the slider, one a frame. */
function heat(left = 60) {
  cancelAnimationFrame(warming);
  for (let sweep = still ? left : 1; sweep > 0; sweep--) warm.reads.sweep(1 / temperature());
  const overlap = showMelting();
  if (left > 1 && !still) {
    warming = requestAnimationFrame(() => heat(left - 1));
    return;
  }
  const right = warm.reads.states.filter((one) => warm.network.shown(one) === state.label).length;
  find("melted").textContent = `At ${find("heat").textContent} the overlap is m = ${overlap.toFixed(2)}; ${right} of ${WARM} reads show the right answer.`;
}
function startMelting() {
  warm = started(now(), WARM);
  curves.now = warmedUp(now());
  heat();
}

// What is looked at
function lookAt(pixels, label, name) {
  Object.assign(state, {pixels, label});
  paint(find("seen"), pixels);
  find("seen").setAttribute("aria-label", name);
  find("label").value = label;
  find("name").textContent = name;
  look();
  count();
  curves = {untrained: warmedUp(networks[0]), trained: warmedUp(trained)};
  startMelting();
}
const wipe = makeBoard(find("board"), (pixels) => {
  for (const one of document.querySelectorAll("#images input")) one.checked = false;
  lookAt(pixels, lowest(trained.classEnergies(trained.fields(pixels))), "your drawing, as the trained network answers it");
});
for (const one of images) {
  const label = document.createElement("label"), small = document.createElement("canvas");
  const choice = Object.assign(document.createElement("input"), {type: "radio", name: "image", checked: one === images[0], ariaLabel: one.name});
  choice.addEventListener("change", () => { wipe(); lookAt(one.pixels, one.label, one.name); });
  paint(small, one.pixels);
  label.append(choice, small);
  find("images").append(label);
}
for (let label = 0; label < trained.classes; label++) find("label").add(new Option(label));
find("moment").max = networks.length - 1;
find("temperature").max = PLACES;
find("clear").addEventListener("click", wipe);
find("label").addEventListener("change", () => lookAt(state.pixels, Number(find("label").value), find("name").textContent));
find("anneal").addEventListener("click", () => { state.seed++; look(true); count(); });
find("moment").addEventListener("input", () => { state.moment = Number(find("moment").value); look(); startMelting(); });
find("temperature").addEventListener("input", () => heat());
find("restart").addEventListener("click", startMelting);
addEventListener("resize", () => { showReads(false); showClasses(); showHeads(); showMelting(); });
find("dragon").hidden = false;
lookAt(images[0].pixels, images[0].label, images[0].name);
globalThis.dragon = {state, found: () => found};  // for the console
})();
