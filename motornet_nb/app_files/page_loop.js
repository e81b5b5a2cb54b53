// The page's half of `control.page_loop`: a network that reaches in a body, trial after trial.

const unpack = ([kind, text]) => {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return Float64Array.from(new globalThis[kind](bytes.buffer));
};

// Numbers of a standard normal distribution: Box and Muller (1958), on the 32-bit generator mulberry32. Not the numbers that PyTorch draws.
const normalNumbers = seed => {
  let state = seed | 0, kept = null;
  const uniform = () => {  // above 0, below 1
    state = state + 0x6D2B79F5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 4294967296 + 2 ** -33;
  };
  return () => {
    if (kept !== null) { const x = kept; kept = null; return x }
    const radius = Math.sqrt(-2 * Math.log(uniform())), angle = 2 * Math.PI * uniform();
    kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
};

class Reaches {
  constructor(programs, description, seed = 0) {
    const d = this.d = description, {steps, begins} = d;
    this.field = 0;
    this.strength = d.at.strength === null ? null : new Float64Array(steps.layout.places.constant[d.at.strength]?.[1] ?? 0).fill(1);
    this.late = d.vision_delay;
    this.noise = Object.fromEntries(Object.entries(d.noise).map(([name, {value}]) => [name, value]));  // standard deviations
    this.normal = normalNumbers(seed);
    this.longest = Math.max(...steps.layout.taps.map(tap => tap[2]), d.longest ?? 0);
    const memory = layout => new Float64Array(layout.size);
    const fill = (m, pieces) => { for (const [first, text] of pieces) m.set(unpack(text), first) };
    this.scan = new Scan(programs.steps, steps.layout, memory(steps.layout), this.longest);
    this.start = new Scan(programs.begins, begins.layout, memory(begins.layout));
    this.weights = d.networks.map(pieces => pieces.map(([first, text]) => [first, unpack(text)]));
    fill(this.start.memory, d.body);
    for (const [i, values] of d.constants) this.scan.put('constant', i, values);
    this.nWorld = begins.layout.outputs ? Object.keys(begins.layout.outputs).filter(name => name.startsWith('carry')).length : 0;
    this.network = 0;
  }
  set network(i) {  // its weights, over those of the first
    this.which = i;
    for (const one of i ? [0, i] : [0]) for (const [first, values] of this.weights[one]) this.scan.memory.set(values, first);
  }
  get network() { return this.which }

  begin(posture, goal) {  // a trial, at rest
    const {scan, start, d} = this;
    start.put('carry', 0, posture);
    if (this.strength) start.put('constant', 0, this.strength);
    start.go();
    for (let i = 0; i < this.nWorld; i++) scan.put('carry', i, start.read(`carry ${i}`));
    d.hidden[this.which].forEach((values, i) => scan.put('carry', this.nWorld + i, values));
    scan.begin(d.tapped.map((_, i) => start.read(`feedback ${i}`)));
    this.from = Array.from(start.read('endpoint_position'));
    this.goal = goal; this.goals = [goal];
  }
  get k() { return this.scan.k }
  get over() { return this.k >= this.d.n_steps }

  shown() {  // what the task shows now, one visual delay late
    const {d, from} = this, j = Math.max(0, this.k - Math.min(this.late, d.n_steps)), goal = this.goals[j];
    const before = j < d.go_step ? 1 : 0, nothing = from.map(() => 0);
    const of = {
      start: d.jumps || before ? from : nothing,
      target: d.jumps && before ? from : goal,
      goal,
      'go cue': [before],
    };
    return d.shown.flatMap(name => of[name]);
  }
  drawn(name, n) {
    const {shape} = this.d.noise[name], value = this.noise[name];
    return Float64Array.from({length: n}, (_, i) => value && shape?.[i] !== 0 ? value * (shape?.[i] ?? 1) * this.normal() : 0);
  }
  step() {
    const {scan, d} = this, {places} = scan.layout, at = d.at;
    this.goals[this.k] = this.goal;
    scan.put('input', at.task, this.shown());
    for (const name of ['action', 'observation', 'hidden']) {
      const i = at[`${name}_noise`], place = i === null ? null : places.input[i];
      if (place) scan.put('input', i, this.drawn(name, place[1]));
    }
    for (const [i, rows] of d.series)
      scan.put(places.input[i] ? 'input' : 'shared_input', i, rows[Math.min(this.k, rows.length - 1)]);
    if (at.field !== null) scan.put('constant', at.field, this.field);
    if (this.strength) scan.put('constant', at.strength, this.strength);
    d.tapped.forEach((name, i) => { if (name === 'endpoint_position') scan.delays[i] = Math.max(1, this.late) });
    scan.step();
  }
  read(name) { return this.scan.read(name) }

  // The largest difference to a trial that PyTorch has played, and how many steps there are in 16 ms.
  compare(r) {
    const numbers = Object.entries(r.numbers).map(([name, text]) => [name, unpack(text)]);
    const play = look => {
      this.begin(r.posture, r.target);
      for (let k = 0; k < r.n_steps; k++) { this.step(); look?.(k) }
    };
    Object.assign(this, {network: r.network, field: r.field, late: r.vision_delay, noise: {action: 0, observation: 0, hidden: 0}});
    if (r.strength) this.strength.set(r.strength);
    const differences = {};
    play(k => {
      for (const [name, all] of numbers) {
        const now = this.read(name), n = now.length;
        for (let i = 0; i < n; i++) {
          const off = Math.abs(now[i] - all[k * n + i]);
          if (!(off <= (differences[name] ?? 0))) differences[name] = Number.isNaN(off) ? Infinity : off;
        }
      }
    });
    return differences;
  }
  speed(r, seconds = 0.1) {  // steps in 16 ms
    const before = performance.now();
    let n = 0, passed = 0;
    while (passed < 1000 * seconds) {
      this.begin(r.posture, r.target);
      for (let k = 0; k < r.n_steps; k++) this.step();
      n += r.n_steps; passed = performance.now() - before;
    }
    return 16 * n / passed;
  }
}
