// A trained arm in a page: `views.page_arm`. `root` is the element, `d` what Python has said, `programs` the steps as functions.

const showArm = (root, programs, d) => {
  const $ = name => root.querySelector(`[data-part="${name}"]`);
  const canvas = $('picture'), pen = canvas.getContext('2d');
  const S = {mode: 0, field: d.field, outward: true, playing: !matchMedia('(prefers-reduced-motion: reduce)').matches, target: [...d.target], clock: 0, before: 0, dragging: false, dragged: false,
             way: [], past: [], lit: -1, dark: false, seen: true, posture: [...d.centre]};
  const arm = new Reaches(programs, d.loop, d.seed);
  const mode = () => d.modes[S.mode];
  const say = text => { const words = $('words'); if (words.innerHTML !== text) words.innerHTML = text };

  // ---- the loop: to the target, back to the centre, and again, each time from where the hand is ----------------------------

  const middle = d.middle;
  const goal = () => S.outward ? S.target : middle;
  const begin = () => {
    if (S.way.length > 1) S.past = [...S.past.slice(-7), {way: S.way, color: S.color}];
    arm.network = mode().practised ? 1 : 0;
    arm.field = mode().field ? S.field : 0;
    arm.begin(S.posture, [...goal()]);
    Object.assign(S, {way: [arm.from], color: mode().color, dragged: S.dragging, clock: 0, aside: 0});
    tell();
  };
  const tell = said => {
    const name = S.outward ? 'target' : 'centre';
    say(`<b style="border-bottom:3px solid ${mode().color}">${mode().label}</b>: ${mode().words}.<br>` + (said ?? `To the ${name} …`));
  };
  const result = () => {
    if (S.dragged) return;
    const hand = arm.read('endpoint_position'), off = Math.hypot(hand[0] - goal()[0], hand[1] - goal()[1]);
    const mm = Math.round(1000 * S.aside), side = mm ? ` to the ${mm > 0 ? 'left' : 'right'}` : '';
    const name = S.outward ? 'target' : 'centre';
    tell(`To the ${name}: ${Math.abs(mm)} mm${side} of the straight line, ends ${Math.round(1000 * off)} mm from the ${name}.`);
  };
  const step = () => {
    arm.step();
    const hand = Array.from(arm.read('endpoint_position'));
    if (!hand.every(Number.isFinite)) {
      S.posture = [...d.centre]; S.way = []; begin();
      tell('The movement was no longer finite; this is more than the body can be computed with.');
      return;
    }
    S.way.push(hand);
    const along = [goal()[0] - arm.from[0], goal()[1] - arm.from[1]], long = Math.hypot(...along);
    const aside = long ? (along[0] * (hand[1] - arm.from[1]) - along[1] * (hand[0] - arm.from[0])) / long : 0;
    if (Math.abs(aside) > Math.abs(S.aside)) S.aside = aside;
    S.posture = Array.from(arm.read('joint_position'));
    if (!arm.over) return;
    result();
    const said = $('words').innerHTML;
    S.outward = S.dragging || !S.outward;
    begin();
    if (!S.dragged) say(said);
  };
  const restart = () => { S.posture = [...d.centre]; S.outward = true; S.way = []; begin(); draw() };

  const tick = now => {
    if (!root.isConnected) return;
    requestAnimationFrame(tick);
    const passed = Math.min((now - S.before) / 1000, 0.1);
    S.before = now;
    if (!S.playing || !S.seen) return;
    S.clock += passed * d.rate;
    let moved = false;
    while (S.clock >= d.loop.timestep) { S.clock -= d.loop.timestep; const left = S.clock; step(); S.clock = left; moved = true }
    if (moved) draw();
  };

  // ---- the picture -----------------------------------------------------------------------------------------------------

  const [left, low, size] = d.view;
  let scale = 1, side = 1;
  const at = ([x, y]) => [(x - left) * scale, side - (y - low) * scale];
  const place = event => {
    const box = canvas.getBoundingClientRect();
    return [left + (event.clientX - box.left) / box.width * size, low + (box.bottom - event.clientY) / box.height * size];
  };
  const line = (points, color, width, {alpha = 1, dash = []} = {}) => {
    pen.globalAlpha = alpha; pen.strokeStyle = color; pen.lineWidth = width; pen.setLineDash(dash);
    pen.beginPath();
    points.forEach((p, i) => { const [x, y] = at(p); if (i) pen.lineTo(x, y); else pen.moveTo(x, y) });
    pen.stroke();
    pen.globalAlpha = 1; pen.setLineDash([]);
  };
  const disc = (p, radius, fill, stroke, width = 2, alpha = 1) => {
    const [x, y] = at(p);
    pen.beginPath(); pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.globalAlpha = alpha; pen.fillStyle = fill; pen.fill(); pen.globalAlpha = 1;
    if (stroke) { pen.strokeStyle = stroke; pen.lineWidth = width; pen.stroke() }
  };
  const arrow = (tail, along, color, width, alpha) => {
    const long = Math.hypot(...along);
    if (long < 0.002) return;
    const u = along.map(v => v / long), head = Math.min(0.012, long / 2), tip = [tail[0] + along[0], tail[1] + along[1]];
    const wing = s => [tip[0] - head * (u[0] + s * u[1] / 2), tip[1] - head * (u[1] - s * u[0] / 2)];
    line([tail, tip, wing(1), tip, wing(-1)], color, width, {alpha});
  };
  const turned = ([x, y], angle) => [Math.cos(angle) * x - Math.sin(angle) * y, Math.sin(angle) * x + Math.cos(angle) * y];
  const path = (points, bones, q) => {  // each point in the frame it goes with: the world's, a bone's, or between two bones
    const direction = k => k < 0 ? d.trunk : Math.atan2(bones[k + 1][1] - bones[k][1], bones[k + 1][0] - bones[k][0]);
    return points.map(([kind, k, own, slope]) => {
      const p = own.map((v, i) => v + (slope ? slope[i].reduce((sum, s, j) => sum + s * q[j], 0) : 0));
      if (kind === 'world') return p;
      if (kind === 'hand') { const h = bones[bones.length - 1]; return [h[0] + p[0], h[1] + p[1]] }
      let angle = direction(k);
      if (kind === 'joint') {
        const before = direction(k - 1), bend = angle - before;
        angle = before + Math.atan2(Math.sin(bend), Math.cos(bend)) / 2;
      }
      const [x, y] = turned(p, angle);
      return [bones[k][0] + x, bones[k][1] + y];
    });
  };
  const blend = share => {  // of the colours from rest to active
    const all = d.palette, x = Math.max(0, Math.min(1, share)) * (all.length - 1), i = Math.min(Math.floor(x), all.length - 2);
    const of = (hex, j) => parseInt(hex.slice(1 + 2 * j, 3 + 2 * j), 16);
    return `rgb(${[0, 1, 2].map(j => Math.round(of(all[i], j) + (x - i) * (of(all[i + 1], j) - of(all[i], j)))).join(',')})`;
  };
  const bonesNow = () => {
    const flat = arm.k ? arm.read('bones') : arm.start.read('bones'), points = [];
    for (let i = 0; i < flat.length; i += 2) points.push([flat[i], flat[i + 1]]);
    return points;
  };
  const draw = () => {
    const ink = S.dark ? '#eeeeee' : '#333333', grey = S.dark ? '#bbbbbb' : '#555555', paper = S.dark ? '#1d1d1d' : '#ffffff';
    const bones = bonesNow(), hand = bones[bones.length - 1], thick = side / 560;
    const activation = arm.k ? arm.read('activation') : null;
    pen.clearRect(0, 0, side, side);
    pen.lineCap = pen.lineJoin = 'round';
    if (d.reach.length) {
      pen.beginPath();
      d.reach.forEach((p, i) => { const [x, y] = at(p); if (i) pen.lineTo(x, y); else pen.moveTo(x, y) });
      pen.closePath();
      pen.fillStyle = S.dark ? 'rgba(255,255,255,.06)' : '#f4f4f4'; pen.fill();
      pen.strokeStyle = S.dark ? '#777777' : '#aaaaaa'; pen.lineWidth = 1; pen.setLineDash([2, 4]); pen.stroke(); pen.setLineDash([]);
    }
    if (mode().field && S.field) {
      const along = [goal()[0] - arm.from[0], goal()[1] - arm.from[1]], long = Math.hypot(...along) || 1, v = 0.3 / long;
      const force = [-S.field * v * along[1] * d.arrow, S.field * v * along[0] * d.arrow];
      for (let i = -2; i <= 2; i++) for (let j = -2; j <= 2; j++) arrow([middle[0] + 0.08 * i, middle[1] + 0.08 * j], force, d.colors.force, 1.5, 0.35);
    }
    if (bones.length > 1) line(bones, '#9a9a9a', 22 * thick, {alpha: 0.4});
    for (const [m, points] of d.muscles) {
      const share = activation ? activation[m] / d.full : 0, shape = path(points, bones, S.posture);
      if (m === S.lit) line(shape, ink, (6 + 7.5 * Math.min(share, 1)) * thick);
      line(shape, blend(share), (1.5 + 7.5 * Math.min(share, 1)) * thick);
    }
    if (bones.length > 1) for (const joint of bones.slice(0, -1)) disc(joint, 5.5 * thick + 1, paper, grey);
    if (!S.dragged) line([arm.from, goal()], grey, 1.5, {dash: [6, 5]});
    S.past.forEach(({way, color}, i) => line(way, color, 3 * thick, {alpha: 0.1 + 0.4 * (i + 1) / S.past.length}));
    disc(S.target, Math.max(0.012 * scale, 7), d.colors.target, null, 0, S.outward ? 0.4 : 0.2);
    disc(S.target, Math.max(0.012 * scale, 7), 'transparent', d.colors.target);
    if (!S.outward) disc(middle, 4, 'transparent', grey, 1.5);
    line(S.way, S.color, 4 * thick);
    if (arm.k) arrow(hand, Array.from(arm.read('endpoint_load'), f => f * d.arrow), d.colors.force, 4 * thick, 1);
    disc(hand, 7 * thick, ink);
    scales(grey, thick);
  };
  const scales = (grey, thick) => {
    const end = left + 0.96 * size, height = low + 0.04 * size, font = Math.max(11, 14 * thick);
    const text = (words, p, align) => {
      pen.font = `${font}px system-ui, sans-serif`; pen.textAlign = align; pen.textBaseline = 'middle'; pen.fillStyle = grey;
      pen.fillText(words, ...at(p));
    };
    const [x, y] = at([end - Math.max(0.1, 0.2 * size), height + 0.22 * size]);
    pen.fillStyle = S.dark ? 'rgba(20,20,20,.7)' : 'rgba(255,255,255,.75)';
    pen.fillRect(x - 6, d.muscles.length ? y : at([0, height + 0.06 * size])[1], side, side);
    line([[end - 0.1, height], [end, height]], grey, 3);
    text('10 cm', [end - 0.05, height + 0.03 * size], 'center');
    if (!d.muscles.length) return;
    [[`${d.full}`, 1], ['0', 0]].forEach(([words, share], i) => {
      const row = height + (0.135 - 0.05 * i) * size;
      line([[end - 0.06 * size, row], [end, row]], blend(share), (1.5 + 7.5 * share) * thick);
      text(words, [end - 0.08 * size, row], 'right');
    });
    text('activation', [end, height + 0.185 * size], 'right');
  };
  const fit = () => {
    const width = canvas.clientWidth, dense = window.devicePixelRatio || 1;
    if (!width) return;
    side = width; scale = side / size;
    canvas.width = canvas.height = Math.round(width * dense);
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    draw();
  };

  // ---- light and dark --------------------------------------------------------------------------------------------------

  const behind = () => {
    for (let e = root.parentElement; e; e = e.parentElement ?? e.getRootNode()?.host) {
      const parts = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(getComputedStyle(e).backgroundColor);
      if (parts && (parts[4] === undefined || Number(parts[4]) > 0.5)) return 0.299 * parts[1] + 0.587 * parts[2] + 0.114 * parts[3] < 100;
    }
    return /dark/.test(getComputedStyle(document.documentElement).colorScheme) && matchMedia('(prefers-color-scheme: dark)').matches;
  };
  const dress = () => { S.dark = behind(); root.classList.toggle('dark', S.dark); draw() };
  const again = () => setTimeout(dress, 60);
  for (const part of [document.documentElement, document.body])
    new MutationObserver(again).observe(part, {attributes: true, attributeFilter: ['class', 'style', 'data-theme', 'data-jp-theme-name', 'data-jp-theme-light']});
  new MutationObserver(again).observe(document.head, {childList: true});
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);

  // ---- what is touched -------------------------------------------------------------------------------------------------

  const inReach = ([x, y]) => {
    if (!d.reach.length) return true;
    let inside = false;
    for (let i = 0, j = d.reach.length - 1; i < d.reach.length; j = i++) {
      const [a, b] = d.reach[i], [p, q] = d.reach[j];
      if (b > y !== q > y && x < (p - a) * (y - b) / (q - b) + a) inside = !inside;
    }
    return inside;
  };
  const aim = (target, fresh) => {
    if (!inReach(target)) { tell('There the hand cannot get to.'); return false }
    S.target = target;
    if (fresh) { S.outward = true; begin() } else { arm.goal = [...target]; S.dragged = true }
    draw();
    return true;
  };
  canvas.addEventListener('pointerdown', event => {
    S.dragging = aim(place(event), true);
    S.dragged = false;
    if (S.dragging) { canvas.setPointerCapture(event.pointerId); event.preventDefault() }
    canvas.focus({preventScroll: true});
  });
  canvas.addEventListener('pointermove', event => { if (S.dragging && S.outward) aim(place(event), false) });
  for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { S.dragging = false });
  const keys = {ArrowLeft: [-0.01, 0], ArrowRight: [0.01, 0], ArrowUp: [0, 0.01], ArrowDown: [0, -0.01]};
  canvas.addEventListener('keydown', event => {
    if (event.key === ' ') { $('play').click(); event.preventDefault(); return }
    const by = keys[event.key];
    if (!by) return;
    event.preventDefault(); event.stopPropagation();
    aim(S.target.map((v, i) => v + by[i]), true);
  });

  const choose = (i, move = true) => {
    S.mode = i;
    root.querySelectorAll('[data-mode]').forEach((b, j) => b.setAttribute('aria-pressed', String(i === j)));
    if (move) { S.past = []; restart() }
  };
  root.querySelectorAll('[data-mode]').forEach((b, i) => b.addEventListener('click', () => choose(i)));
  const name = () => { $('play').textContent = S.playing ? 'Pause' : 'Play' };
  name();
  $('play').addEventListener('click', () => {
    S.playing = !S.playing;
    name();
  });
  const turn = {  // what each slider does
    field: v => {
      S.field = v;
      if (!mode().field) { const other = d.modes.findIndex(m => m.field && m.practised === mode().practised); if (v && other >= 0) choose(other) }
      arm.field = mode().field ? v : 0;
      draw();
    },
    delay: v => { arm.late = Math.max(1, Math.round(v / 1000 / d.loop.timestep)) },
    action: v => { arm.noise.action = v },
    observation: v => { arm.noise.observation = v },
    strength: (v, i) => { arm.strength[i] = v / 100 },
  };
  const sliders = [...root.querySelectorAll('input[type=range]')];
  const show = input => {
    const text = `${Number(input.value) < 0 ? '−' : ''}${Math.abs(input.value)} ${input.dataset.unit}`.trim();
    input.closest('label').querySelector('output').textContent = text;
    input.setAttribute('aria-valuetext', text);
  };
  for (const input of sliders) {
    show(input);
    const muscle = Number(input.dataset.muscle ?? -1);
    const light = m => () => { S.lit = m; draw() };
    input.addEventListener('input', () => { show(input); turn[input.dataset.turn](Number(input.value), muscle) });
    if (muscle >= 0) {
      for (const name of ['focus', 'pointerenter']) input.addEventListener(name, light(muscle));
      for (const name of ['blur', 'pointerleave']) input.addEventListener(name, light(-1));
    }
  }
  $('reset').addEventListener('click', () => {
    for (const input of sliders) if (input.value !== input.defaultValue) {
      input.value = input.defaultValue; show(input);
      if (input.dataset.turn === 'field') { S.field = d.field; arm.field = mode().field ? d.field : 0 }
      else turn[input.dataset.turn](Number(input.value), Number(input.dataset.muscle ?? -1));
    }
    S.past = []; S.target = [...d.target]; restart();
  });

  // ---- what it is worth ------------------------------------------------------------------------------------------------

  const prove = () => {
    const other = new Reaches(programs, d.loop, 0), found = other.compare(d.reference), largest = Math.max(...Object.values(found));
    const rate = Math.max(...[0, 1, 2].map(() => other.speed(d.reference, 0.02)));
    Object.assign(root.dataset, {difference: largest, speed: rate, steps: d.reference.n_steps});
    $('proof').textContent = `Computed in this page: largest difference to float64 PyTorch over ${d.reference.n_steps} steps: ${largest.toExponential(0)} `
      + `(positions, activations, hidden state). ${Math.floor(rate)} steps of this arm per 16 ms.`;
  };

  new ResizeObserver(fit).observe(canvas);
  new IntersectionObserver(entries => { S.seen = entries[entries.length - 1].isIntersecting }).observe(canvas);
  $('asleep')?.remove();
  $('all').hidden = false;
  root.arm = {state: S, reaches: arm, view: d.view, middle: d.middle, centre: d.centre, target: d.target};  // for who wants to look inside
  choose(d.mode, false);
  begin(); fit(); dress();
  requestAnimationFrame(now => { S.before = now; tick(now) });
  setTimeout(prove, 300);
};
