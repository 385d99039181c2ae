/* The page that needs no Python: what is chosen, drawn, annealed and warmed up. The physics is in physics.js, the networks in network.js. */
"use strict";
(() => {
const READS = 100, MELTING = 40, COLDEST = 0.1, HOTTEST = 200;
const find = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const networks = DRAGON.moments.map((moment) => new Network(DRAGON, moment)), last = networks.at(-1);
const images = DRAGON.images.map((one) => ({...one, pixels: unpack(one.pixels)}));
const state = {moment: 0, pixels: images[0].pixels, label: images[0].label, seed: 1};
const network = () => networks[state.moment];
const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;

/** Anneal all reads in one network: how they went, sweep by sweep, and where they ended. */
function anneal(network) {
  const fields = network.fields(state.pixels), right = network.clamped(fields, state.label), zero = network.energy(fields, right);
  const reads = new Reads(network, fields, READS, state.seed), course = [];
  const look = () => course.push({energies: reads.energies().map((energy) => energy - zero), overlaps: reads.overlaps(right)});
  look();
  for (const beta of network.schedule(DRAGON.sweeps)) { reads.sweep(beta); look(); }
  reads.descend();
  look();
  const {energies} = course.at(-1), shown = reads.states.map((one) => network.shown(one));
  const kinds = shown.map((one, read) => (one === state.label ? "right" : energies[read] <= DRAGON.margin ? "head" : "other"));
  return {network, fields, zero, states: reads.states, course, energies, shown, kinds, own: shown[energies.indexOf(Math.min(...energies))],
    heads: kinds.filter((kind) => kind === "head").length, classes: network.classEnergies(fields)};
}

// Pictures: a scale is a function from numbers to pixels, with the pixels it spans.
function element(name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}
function scale([from, to], [start, end], bend = (value) => value) {
  return Object.assign((value) => start + ((bend(value) - bend(from)) / (bend(to) - bend(from))) * (end - start), {span: [start, end], range: [from, to]});
}
const stretched = (energy) => Math.asinh(energy / 10);

/** An empty picture as wide as its place, with axes: `x` and `y` are {range, ticks, name, bend}. */
function picture(svg, height, x, y, said) {
  const width = svg.clientWidth || 300, pad = {left: y.name ? 52 : 8, right: 10, top: 12, bottom: 40};
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  svg.setAttribute("aria-label", said);
  svg.replaceChildren();
  const add = (...parts) => svg.append(element(...parts));
  const across = scale(x.range, [pad.left, width - pad.right], x.bend), up = scale(y.range, [height - pad.bottom, pad.top], y.bend);
  for (const tick of y.ticks.filter((one) => one >= y.range[0] && one <= y.range[1])) {
    add("line", {class: tick ? "grid" : "zero", x1: pad.left, x2: width - pad.right, y1: up(tick), y2: up(tick)});
    add("text", {x: pad.left - 6, y: up(tick) + 4, "text-anchor": "end"}, String(tick).replace("-", "−"));
  }
  for (const tick of x.ticks) add("text", {x: across(tick), y: height - pad.bottom + 16, "text-anchor": "middle"}, String(tick).replace("-", "−"));
  add("line", {class: "axis", x1: pad.left, x2: width - pad.right, y1: height - pad.bottom, y2: height - pad.bottom});
  add("text", {x: (pad.left + width - pad.right) / 2, y: height - 6, "text-anchor": "middle"}, x.name);
  if (y.name) add("text", {transform: `translate(12 ${(height - pad.bottom + pad.top) / 2}) rotate(-90)`, "text-anchor": "middle"}, y.name);
  return {across, up, add, pad, width, height};
}
const SHAPES = {right: "M0-5L5 4H-5Z", head: "M0-5.5L5.5 0L0 5.5L-5.5 0Z", other: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
  star: "M0-9L2.6-3L9-2.4L4.2 1.8L5.6 8L0 4.8L-5.6 8L-4.2 1.8L-9-2.4L-2.6-3Z"};

let playing = 0;
/** The reads: at the end of their course, or running through it. */
function showReads(found, running) {
  const all = (running ? found.course : [found.course.at(-1)]).flatMap((one) => one.energies);
  const range = [Math.min(-12, ...all) * 1.1, Math.max(100, ...all) * 1.1];
  const {across, up, add, pad, width} = picture(find("landscape"), 340,
    {range: [-0.6, 1.05], ticks: [-0.5, 0, 0.5, 1], name: "overlap with the right answer"},
    {range, ticks: [-300, -100, -30, -10, 0, 10, 30, 100, 300, 1000], name: "energy above the right answer", bend: stretched},
    `Energy of ${READS} reads above the right answer against their overlap with it. ${told(found)}`);
  add("rect", {class: "band", x: pad.left, width: width - pad.left - pad.right, y: up(DRAGON.margin), height: up(range[0]) - up(DRAGON.margin)});
  ["right", "head", "other"].forEach((kind, row) => {
    const number = found.kinds.filter((one) => one === kind).length, y = pad.top + 10 + 18 * row;
    add("path", {class: kind, d: SHAPES[kind], transform: `translate(${pad.left + 10} ${y})`});
    add("text", {x: pad.left + 20, y: y + 4}, `${number} ${{right: "right", head: "heads", other: "wrong, but higher"}[kind]}`);
  });
  const marks = found.kinds.map((kind) => find("landscape").appendChild(element("path", {class: `mark ${kind}`, d: SHAPES[kind]})));
  add("path", {class: "star", d: SHAPES.star, transform: `translate(${across(1)} ${up(0)})`});
  const place = ({overlaps, energies}) => marks.forEach((mark, read) => {
    mark.style.transform = `translate(${across(Math.max(-0.58, overlaps[read]))}px, ${up(energies[read])}px)`;
  });
  clearTimeout(playing);
  if (!running || still) return place(found.course.at(-1));
  const step = (at) => {
    place(found.course[at]);
    find("landscape").style.setProperty("--pace", "90ms");
    if (at + 1 < found.course.length) playing = setTimeout(step, 90, at + 1);
    else find("landscape").style.setProperty("--pace", "0ms");
  };
  step(0);
}

function showClasses(found) {
  const lowest = Math.min(...found.classes), levels = found.classes.map((energy) => energy - lowest), answer = levels.indexOf(0);
  const {across, up, add} = picture(find("classes"), 340,
    {range: [-0.6, levels.length - 0.4], ticks: levels.keys().toArray(), name: "class"},
    {range: [-0.04 * Math.max(...levels), Math.max(...levels)], ticks: [0, 10, 20, 40, 60, 80, 120, 160, 200, 300].filter((_, at, ticks) => true), name: "energy above the lowest"},
    `Energies of the classes above the lowest, ${answer}: ${levels.map((level, one) => `${one}: ${level.toFixed(1)}`).join(", ")}.`);
  levels.forEach((level, one) => {
    add("line", {class: one === answer ? "level lowest" : "level", x1: across(one - 0.38), x2: across(one + 0.38), y1: up(level), y2: up(level)});
    if (one === state.label) add("path", {class: "star", d: SHAPES.star, transform: `translate(${across(one)} ${up(level)}) scale(0.8)`});
  });
}

function told({network, own, heads, kinds, classes}) {
  const answer = classes.indexOf(Math.min(...classes)), verdict = (one) => (one === state.label ? `${one}, right` : `${one}, wrong`);
  return `After ${network.step.toLocaleString("en")} updates the network answers ${verdict(answer)}. ` +
    `The annealer’s own answer is ${own === null ? "undecided" : verdict(own)}. Of ${READS} reads ${kinds.filter((kind) => kind === "right").length} are right and ${heads} are heads.`;
}

/** Heads along training, one bar a network, above the slider's places. */
function showHeads(heads) {
  const {across, up, add, height, pad} = picture(find("heads"), 110, {range: [0, networks.length - 1], ticks: [], name: ""},
    {range: [0, 100], ticks: [0, 50, 100], name: "heads, %"}, `Heads among the reads along training, in percent: ${heads.join(", ")}.`);
  heads.forEach((number, moment) => {
    add("rect", {class: moment === state.moment ? "bar now" : "bar", x: across(moment) - 9, width: 18, y: up(100 * number / READS), height: Math.max(0, up(0) - up(100 * number / READS))});
    add("text", {x: across(moment), y: height - pad.bottom + 16, "text-anchor": "middle"}, networks[moment].step);
  });
}

let found, heads = [], counting = 0;
function look(running = false) {
  found = anneal(network());
  showReads(found, running);
  showClasses(found);
  find("told").textContent = told(found);
  find("count").textContent = `${READS} reads of ${DRAGON.sweeps} sweeps, seed ${state.seed}`;
  find("when").textContent = `${network().step.toLocaleString("en")} updates, test error ${percent(network().error)}`;
  find("moment").setAttribute("aria-valuetext", find("when").textContent);
  heads[state.moment] = found.heads;
  showHeads(heads);
}
/** Heads in all networks, one after another, so that the page stays awake. */
function count(moment = 0) {
  clearTimeout(counting);
  if (moment === 0) heads = networks.map(() => 0);
  heads[moment] = anneal(networks[moment]).heads;
  showHeads(heads);
  if (moment + 1 < networks.length) counting = setTimeout(count, 0, moment + 1);
}

// Melting
let warm, curves = [], warming = 0;
const temperature = (place) => COLDEST * (HOTTEST / COLDEST) ** (place / 60);
const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
/** Reads that start in the right answer. */
function started(network, count) {
  const fields = network.fields(state.pixels), right = network.clamped(fields, state.label);
  return {network, right, reads: new Reads(network, fields, count, state.seed, right)};
}
function curve(network) {
  const {right, reads} = started(network, 20);
  return Array.from({length: 31}, (_, at) => {
    for (let sweep = 0; sweep < 6; sweep++) reads.sweep(1 / temperature(2 * at));
    return mean(Array.from({length: 4}, () => { reads.sweep(1 / temperature(2 * at)); return mean(reads.overlaps(right)); }));
  });
}
function showMelting() {
  const at = Number(find("temperature").value), overlap = mean(warm.reads.overlaps(warm.right));
  const {across, up, add, pad} = picture(find("melting"), 260, {range: [COLDEST, HOTTEST], ticks: [0.1, 1, 10, 100], name: "temperature", bend: Math.log},
    {range: [-0.25, 1.05], ticks: [0, 0.5, 1], name: "overlap m"}, `Overlap with the right answer against temperature; now ${overlap.toFixed(2)}.`);
  curves.forEach(({values, name}) => add("polyline", {class: `curve ${name}`, points: values.map((value, one) => `${across(temperature(2 * one))},${up(value)}`).join(" ")}));
  add("circle", {class: "now", cx: across(temperature(at)), cy: up(overlap), r: 6});
  [["first", "untrained"], ["last", "trained"], ["now", "this network"]].forEach(([name, text], row) => {
    const y = pad.top + 8 + 18 * row, x = across(20);
    add("line", {class: `curve ${name}`, x1: x - 40, x2: x - 14, y1: y, y2: y});
    add("text", {x: x - 8, y: y + 4}, text);
  });
  showSpins();
  find("heat").textContent = `T = ${temperature(at).toPrecision(2)}`;
  find("temperature").setAttribute("aria-valuetext", temperature(at).toPrecision(2));
  return overlap;
}
/** One of the reads: which spins are still as in the right answer. */
function showSpins() {
  const svg = find("spins"), [state] = warm.reads.states, {hidden, spins, copies} = warm.network, columns = 12, side = 16;
  const rows = Math.ceil(hidden / columns), below = Math.ceil((spins - hidden) / columns);
  svg.setAttribute("viewBox", `0 0 ${columns * side} ${(rows + below + 2.4) * side}`);
  svg.style.maxWidth = "16rem";
  svg.setAttribute("aria-label", `Spins of one read: ${state.filter((spin, at) => spin !== warm.right[at]).length} of ${spins} differ from the right answer.`);
  svg.replaceChildren(element("text", {x: 0, y: 12}, "hidden spins"), element("text", {x: 0, y: (rows + 2) * side}, "outputs"));
  state.forEach((spin, at) => {
    const place = at < hidden ? at : at - hidden, y = (Math.floor(place / columns) + (at < hidden ? 1 : rows + 2.3)) * side, x = (place % columns) * side;
    svg.append(element("rect", {class: spin === warm.right[at] ? "kept" : "flipped", x: x + 1, y: y + 1, width: side - 2, height: side - 2, rx: 2}));
    if (at >= hidden) svg.append(element("text", {class: "on", x: x + side / 2, y: y + 12, "text-anchor": "middle"}, spin > 0 ? Math.floor(place / copies) : "·"));
  });
}
function restartMelting() {
  warm = started(network(), MELTING);
  curves = [["first", networks[0]], ["last", last], ["now", network()]].map(([name, one]) => ({name, values: curve(one)}));
  heat();
}
/** Sixty sweeps at the temperature of the slider, one a frame. */
function heat(left = 60) {
  cancelAnimationFrame(warming);
  const beta = 1 / temperature(Number(find("temperature").value));
  for (let sweep = 0; sweep < (still ? left : 1); sweep++) warm.reads.sweep(beta);
  const overlap = showMelting();
  if (left > 1 && !still) warming = requestAnimationFrame(() => heat(left - 1));
  else {
    const showing = warm.reads.states.filter((one) => warm.network.shown(one) === state.label).length;
    find("melted").textContent = `At T = ${temperature(Number(find("temperature").value)).toPrecision(2)} the overlap is m = ${overlap.toFixed(2)}; ${showing} of ${MELTING} reads show the right answer.`;
  }
}

// What is looked at
function paint(canvas, pixels) {
  canvas.width = canvas.height = 8;
  const paper = canvas.getContext("2d"), dots = paper.createImageData(8, 8);
  pixels.forEach((ink, at) => dots.data.set([255 * (1 - ink), 255 * (1 - ink), 255 * (1 - ink), 255], 4 * at));
  paper.putImageData(dots, 0, 0);
}
function lookAt(pixels, label, whence) {
  Object.assign(state, {pixels, label});
  paint(find("seen"), pixels);
  find("seen").setAttribute("aria-label", whence);
  find("label").value = label;
  find("whence").textContent = whence;
  refresh();
}
function refresh() {
  look();
  count();
  restartMelting();
}

/* A drawing is made of strokes in [0, 1]². As in the data set, dots of a 32 x 32 sheet are blackened, and each pixel is the part of its 4 x 4 dots
   that are black (Alpaydin, Kaynak, Kybernetika 34, 369 (1998)); the drawing fills the sheet. */
let strokes = [], pen = null;
function pixelsOf(strokes) {
  const points = strokes.flat(), low = [0, 1].map((axis) => Math.min(...points.map((one) => one[axis]))), high = [0, 1].map((axis) => Math.max(...points.map((one) => one[axis])));
  const thick = 2.2, size = Math.max(high[0] - low[0], high[1] - low[1], 0.15), zoom = (31 - 2 * thick) / size;
  const onSheet = (point) => point.map((value, axis) => 16 + zoom * (value - (low[axis] + high[axis]) / 2));
  const dots = Array.from({length: 1024}, (_, at) => [(at % 32) + 0.5, Math.floor(at / 32) + 0.5]);
  const lines = strokes.flatMap((stroke) => stroke.map((point, at) => [onSheet(stroke[Math.max(0, at - 1)]), onSheet(point)]));
  const near = ([x, y]) => lines.some(([[x1, y1], [x2, y2]]) => {
    const length = (x2 - x1) ** 2 + (y2 - y1) ** 2, along = length ? Math.min(1, Math.max(0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length)) : 0;
    return Math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1)) <= thick;
  });
  const pixels = new Float64Array(64);
  dots.forEach((dot) => { if (near(dot)) pixels[8 * Math.floor(dot[1] / 4) + Math.floor(dot[0] / 4)] += 1 / 16; });
  return pixels;
}
function showBoard() {
  const board = find("board"), paper = board.getContext("2d"), {width, height} = board;
  paper.clearRect(0, 0, width, height);
  paper.strokeStyle = "#222";
  Object.assign(paper, {lineWidth: 14, lineCap: "round", lineJoin: "round"});
  for (const stroke of strokes) {
    paper.beginPath();
    stroke.forEach(([x, y], at) => paper[at ? "lineTo" : "moveTo"](width * x, height * y));
    if (stroke.length === 1) paper.lineTo(width * stroke[0][0], height * stroke[0][1]);
    paper.stroke();
  }
  if (document.activeElement === board) {
    paper.strokeStyle = pen ? "#d55e00" : "#0173b2";
    paper.lineWidth = 2;
    paper.strokeRect(width * hand[0] - 6, height * hand[1] - 6, 12, 12);
  }
}
function draw(point) {
  if (!pen) strokes.push((pen = []));
  pen.push(point);
  showBoard();
}
function drawn() {
  pen = null;
  showBoard();
  for (const one of document.querySelectorAll("#images input")) one.checked = false;
  const pixels = pixelsOf(strokes), energies = last.classEnergies(last.fields(pixels));
  lookAt(pixels, energies.indexOf(Math.min(...energies)), "your drawing, as the trained network answers it");
}
let hand = [0.5, 0.15];
function byKeys(event) {
  const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  if (event.key in moves) {
    hand = hand.map((value, axis) => Math.min(1, Math.max(0, value + moves[event.key][axis] / 16)));
    if (pen) draw(hand);
  } else if (event.key === " ") pen ? drawn() : draw(hand);
  else return;
  event.preventDefault();
  showBoard();
}

// Controls
for (const one of images) {
  const label = document.createElement("label"), choice = Object.assign(document.createElement("input"), {type: "radio", name: "image"});
  const small = document.createElement("canvas");
  const whence = `test image ${one.row}, a ${one.label}`;
  choice.setAttribute("aria-label", whence);
  choice.addEventListener("change", () => { strokes = []; showBoard(); lookAt(one.pixels, one.label, whence); });
  label.append(choice, small);
  find("images").append(label);
  paint(small, one.pixels);
}
for (let label = 0; label < last.classes; label++) find("label").add(new Option(label, label));
find("label").addEventListener("change", () => { state.label = Number(find("label").value); refresh(); });
find("moment").max = networks.length - 1;
find("moment").addEventListener("input", () => { state.moment = Number(find("moment").value); look(); restartMelting(); });
find("anneal").addEventListener("click", () => { state.seed++; look(true); count(); });
find("temperature").addEventListener("input", () => heat());
find("reset").addEventListener("click", restartMelting);
find("clear").addEventListener("click", () => { strokes = []; showBoard(); });
const board = find("board"), at = (event) => {
  const box = board.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
};
board.addEventListener("pointerdown", (event) => { board.setPointerCapture(event.pointerId); draw(at(event)); });
board.addEventListener("pointermove", (event) => { if (pen && event.buttons) draw(at(event)); });
board.addEventListener("pointerup", () => { if (pen) drawn(); });
board.addEventListener("keydown", byKeys);
for (const change of ["focus", "blur"]) board.addEventListener(change, showBoard);
addEventListener("resize", () => { showReads(found, false); showClasses(found); showHeads(heads); showMelting(); });
find("dragon").hidden = false;
document.querySelector("#images input").checked = true;
lookAt(images[0].pixels, images[0].label, `test image ${images[0].row}, a ${images[0].label}`);
globalThis.page = {state, networks, images, get found() { return found; }};  // for the console
})();
