/* The energy of a trained network, and classical annealing in it: what qnn_core/network.py, ising.py and samplers/gibbs.py compute.

     E(s, y | x) = - a(x).s - s.W.y - c.y ,     a(x) = (x - centre) W_0 + b

   A state is an Int8Array of the hidden spins s, then the outputs y. */
"use strict";

/** Numbers of 24 bits each, packed by artifact/interactive.py. */
function unpack({step, bytes}) {
  const raw = Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0));
  return Float64Array.from({length: raw.length / 3}, (_, at) =>
    step * (((raw[3 * at + 2] << 24) | (raw[3 * at + 1] << 16) | (raw[3 * at] << 8)) >> 8));
}

const dot = (left, right) => left.reduce((sum, one, at) => sum + one * right[at], 0);
const sign = (field) => (field >= 0 ? 1 : -1);

/** SplitMix (Steele, Lea, Flood, OOPSLA 2014) with the 32-bit finaliser of MurmurHash3: numbers in [0, 1) of a seed. */
function randomNumbers(seed) {
  const mixed = (value) => {
    value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
    value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
    return (value ^ (value >>> 16)) >>> 0;
  };
  let state = mixed(seed + 1);
  return () => mixed((state = (state + 0x9e3779b9) | 0)) / 2 ** 32;
}

class Network {
  constructor({sizes: [pixels, hidden, classes], copies, centre}, {step, error, parameters}) {
    Object.assign(this, {pixels, hidden, classes, copies, centre: unpack(centre), step, error});
    this.outputs = classes * copies;
    this.spins = hidden + this.outputs;
    [this.inputs, this.couplings, this.bias, this.outputBias] = parameters.map(unpack);
  }

  /** One-hot in {-1, +1}, each entry `copies` times. */
  code(label) {
    return Int8Array.from({length: this.outputs}, (_, output) => (Math.floor(output / this.copies) === label ? 1 : -1));
  }

  /** What an image does to the hidden spins, a(x). */
  fields(image) {
    const fields = this.bias.slice();
    for (let pixel = 0; pixel < this.pixels; pixel++) {
      const ink = image[pixel] - this.centre[pixel];
      for (let spin = 0; spin < this.hidden; spin++) fields[spin] += ink * this.inputs[pixel * this.hidden + spin];
    }
    return fields;
  }

  /** What the hidden spins feel of the image and of the outputs of a state. */
  feltByHidden(fields, state) {
    const {couplings, hidden, outputs} = this, felt = fields.slice();
    for (let spin = 0, at = 0; spin < hidden; spin++)
      for (let output = 0; output < outputs; output++) felt[spin] += couplings[at++] * state[hidden + output];
    return felt;
  }

  /** What the outputs feel of the hidden spins of a state. */
  feltByOutputs(state) {
    const {couplings, hidden, outputs} = this, felt = this.outputBias.slice();
    for (let spin = 0, at = 0; spin < hidden; spin++)
      for (let output = 0; output < outputs; output++) felt[output] += couplings[at++] * state[spin];
    return felt;
  }

  energy(fields, state) {
    const outputs = state.subarray(this.hidden);
    return -dot(this.feltByHidden(fields, state), state) - dot(this.outputBias, outputs);
  }

  /** The state of lowest energy with the code of a class on the outputs. */
  clamped(fields, label) {
    const state = new Int8Array(this.spins);
    state.set(this.code(label), this.hidden);
    state.set(this.feltByHidden(fields, state).map(sign));
    return state;
  }

  /** Of the clamped state of every class; the network answers with the lowest. */
  classEnergies(fields) {
    return Array.from({length: this.classes}, (_, label) => this.energy(fields, this.clamped(fields, label)));
  }

  /** How clearly a state shows each class. */
  classOverlaps(state) {
    const overlaps = new Array(this.classes).fill(0);
    for (let output = 0; output < this.outputs; output++) overlaps[Math.floor(output / this.copies)] += state[this.hidden + output];
    return overlaps;
  }

  /** The class that a state shows, null where two are level. */
  shown(state) {
    const overlaps = this.classOverlaps(state), most = Math.max(...overlaps);
    return overlaps.indexOf(most) === overlaps.lastIndexOf(most) ? overlaps.indexOf(most) : null;
  }

  /** Inverse temperatures of an anneal on the couplings' own scale, one a sweep; see annealing_betas in qnn_core/samplers/base.py. */
  schedule(sweeps) {
    const squares = this.couplings.reduce((sum, coupling) => sum + coupling ** 2, 0);
    const pulls = [Math.sqrt(squares / this.hidden), Math.sqrt(squares / this.outputs)];
    const hot = 1 / Math.max(...pulls), cold = 3 / Math.min(...pulls), warm = Math.max(sweeps - 2, 2);
    const betas = Array.from({length: warm}, (_, sweep) => hot * (cold / hot) ** (sweep / (warm - 1)));
    return sweeps > 2 ? [...betas, 1000 * cold, 1000 * cold] : betas;
  }
}

/** States of one image that are annealed side by side, from a random start or from copies of one state. */
class Reads {
  constructor(network, fields, count, seed, start = null) {
    Object.assign(this, {network, fields, random: randomNumbers(seed)});
    this.states = Array.from({length: count}, () =>
      start ? start.slice() : Int8Array.from({length: network.spins}, () => (this.random() < 0.5 ? -1 : 1)));
  }

  /** Draw the hidden spins, then the outputs, given the others at inverse temperature `beta`; Infinity descends. */
  sweep(beta) {
    const {network, fields, random} = this;
    const drawn = (felt) => (beta === Infinity ? sign(felt) : random() < 1 / (1 + Math.exp(-2 * beta * felt)) ? 1 : -1);
    for (const state of this.states) {
      state.set(network.feltByHidden(fields, state).map(drawn));
      state.set(network.feltByOutputs(state).map(drawn), network.hidden);
    }
  }

  /** Down to minima: no spin wants to flip any more. */
  descend() {
    let before;
    do {
      before = this.states.map((state) => state.slice());
      this.sweep(Infinity);
    } while (this.states.some((state, read) => state.some((spin, at) => spin !== before[read][at])));
  }

  energies() {
    return this.states.map((state) => this.network.energy(this.fields, state));
  }

  /** Mean product with the spins of a state, of each read. */
  overlaps(target) {
    return this.states.map((state) => dot(state, target) / target.length);
  }
}
