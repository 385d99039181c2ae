/* A board to draw a digit on, by pointer or by keys, and its 8 x 8 pixels. */
"use strict";

/** Pixels of strokes, lists of points in [0, 1]^2, made as those of the data set: dots of a 32 x 32 sheet that the digit fills are black or white,
    and a pixel is the part of its 4 x 4 dots that are black (Alpaydin, Kaynak, Kybernetika 34, 369 (1998)). */
function pixelsOf(strokes) {
  const radius = 2.2, points = strokes.flat(), [low, high] = [Math.min, Math.max].map((most) => [0, 1].map((axis) => most(...points.map((one) => one[axis]))));
  const zoom = (32 - 2 * radius) / Math.max(high[0] - low[0], high[1] - low[1], 0.15);
  const onSheet = (point) => point.map((value, axis) => 16 + zoom * (value - (low[axis] + high[axis]) / 2));
  const lines = strokes.flatMap((stroke) => stroke.map((point, at) => [onSheet(stroke[Math.max(0, at - 1)]), onSheet(point)]));
  const distance = (x, y, [[x1, y1], [x2, y2]]) => {
    const along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2 || 1), kept = Math.min(1, Math.max(0, along));
    return Math.hypot(x - x1 - kept * (x2 - x1), y - y1 - kept * (y2 - y1));
  };
  const pixels = new Float64Array(64);
  for (let y = 0; y < 32; y++)
    for (let x = 0; x < 32; x++)
      if (lines.some((line) => distance(x + 0.5, y + 0.5, line) <= radius)) pixels[8 * (y >> 2) + (x >> 2)] += 1 / 16;
  return pixels;
}

/** Draw an image of 8 x 8 pixels, ink dark on white. */
function paint(canvas, pixels) {
  canvas.width = canvas.height = 8;
  const paper = canvas.getContext("2d"), dots = paper.createImageData(8, 8);
  pixels.forEach((ink, at) => dots.data.set([255 * (1 - ink), 255 * (1 - ink), 255 * (1 - ink), 255], 4 * at));
  paper.putImageData(dots, 0, 0);
}

/** Make a canvas a board; drawn(pixels) is called whenever the pen is lifted. Returns a function that wipes the board. */
function makeBoard(canvas, drawn) {
  const paper = canvas.getContext("2d"), {width} = canvas;
  let strokes = [], pen = null, hand = [0.5, 0.15], byKeys = false;
  function show() {
    paper.clearRect(0, 0, width, width);
    Object.assign(paper, {strokeStyle: "#222", lineWidth: 14, lineCap: "round", lineJoin: "round"});
    for (const stroke of strokes) {
      paper.beginPath();
      paper.moveTo(...stroke[0].map((value) => width * value));
      for (const point of stroke) paper.lineTo(...point.map((value) => width * value));
      paper.stroke();
    }
    if (!byKeys) return;
    Object.assign(paper, {strokeStyle: pen ? "#d55e00" : "#0173b2", lineWidth: 2});
    paper.strokeRect(...hand.map((value) => width * value - 6), 12, 12);
  }
  function draw(point) {
    if (!pen) strokes.push((pen = []));
    pen.push(point);
    show();
  }
  function lift() {
    if (!pen) return;
    pen = null;
    show();
    drawn(pixelsOf(strokes));
  }
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    byKeys = false;
    draw(place(event));
  });
  canvas.addEventListener("pointermove", (event) => { if (pen && event.buttons) draw(place(event)); });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, lift);
  canvas.addEventListener("blur", () => { byKeys = false; lift(); show(); });
  canvas.addEventListener("keydown", (event) => {
    const move = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    byKeys = true;
    if (move) hand = hand.map((value, axis) => Math.min(1, Math.max(0, value + move[axis] / 16)));
    if (!move && pen) lift();
    else if (pen || !move) draw(hand);
    show();
  });
  return () => { strokes = []; pen = null; show(); };
}
