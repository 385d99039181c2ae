/* Pictures with axes, as SVG: readable at any width, in both themes, and by who cannot see them. */
"use strict";

const SHAPES = {
  right: "M0-5L5 4H-5Z", head: "M0-5.5L5.5 0L0 5.5L-5.5 0Z", other: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
  star: "M0-9L2.6-3L9-2.4L4.2 1.8L5.6 8L0 4.8L-5.6 8L-4.2 1.8L-9-2.4L-2.6-3Z",
};
const written = (number) => String(number).replace("-", "−");

function element(name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/** From numbers of a range to pixels; bend: what is linear in pixels. */
function scale([from, to], [start, end], bend = (value) => value) {
  return (value) => start + ((bend(value) - bend(from)) / (bend(to) - bend(from))) * (end - start);
}

/** Round numbers from 0 to `most`, at most six. */
function ticksUpTo(most) {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((one) => most / one <= 5) ?? most;
  return Array.from({length: Math.floor(most / step) + 1}, (_, at) => at * step);
}

/** Empties `svg` and draws axes as wide as its place. x, y: {range, ticks, name, bend}; a y without name has no axis. said: in words. */
function picture(svg, height, x, y, said) {
  const width = svg.clientWidth || 300, left = y.name ? 50 : 16, right = width - 16, top = 26, bottom = height - 38;
  const across = scale(x.range, [left, right], x.bend), up = scale(y.range, [bottom, top], y.bend);
  const add = (...parts) => svg.appendChild(element(...parts));
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", said);
  for (const tick of y.name ? y.ticks.filter((one) => one >= y.range[0] && one <= y.range[1]) : []) {
    add("line", {class: tick ? "grid" : "axis", x1: left, x2: right, y1: up(tick), y2: up(tick)});
    add("text", {x: left - 6, y: up(tick) + 4, "text-anchor": "end"}, written(tick));
  }
  for (const tick of x.ticks) add("text", {x: across(tick), y: bottom + 16, "text-anchor": "middle"}, written(tick));
  add("line", {class: "axis", x1: left, x2: right, y1: bottom, y2: bottom});
  add("text", {x: (left + right) / 2, y: height - 5, "text-anchor": "middle"}, x.name);
  if (y.name) add("text", {transform: `translate(12 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle"}, y.name);
  return {across, up, add, left, right, top, bottom};
}
