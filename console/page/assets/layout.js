// Where the circles and arrows of the picture go. Pure: people and who hears
// whom in, places in pixels out.

import { customerOf, live, open, over, personKey, ringing, standing } from './facts.js';
import { nameOf } from './words.js';

// cast returns the people of the picture: {key, role, name, note, ghost, tone},
// customers first, then supervisors, then agents, as they stand around it. A
// ghost is not in the call yet: their phone rings. tone is alarm where a customer
// may hear who should not be heard.
export function cast(call, names, now) {
  if (over(call)) return [];
  const out = { customer: [], supervisor: [], agent: [] };
  for (const p of live(call)) {
    const sup = p.role === 'supervisor' ? open(call).find((x) => x.member === p.member) : null;
    const how = sup ? standing(call, sup, now) : '';
    out[p.role]?.push({
      key: personKey(call, p), role: p.role, member: p.member, name: nameOf(p, names), ghost: false,
      note: note(call, p, sup, how), tone: how === 'unknown' ? 'alarm' : '',
    });
  }
  if (out.customer.length === 0) out.customer.push({ key: 'customer', role: 'customer', member: '', name: 'Customer', note: 'connecting', ghost: true, tone: '' });
  for (const id of ringing(call)) {
    const key = `agent:${id}`;
    if (!out.agent.some((p) => p.key === key)) out.agent.push({ key, role: 'agent', member: '', name: names.agent(id), note: 'ringing…', ghost: true, tone: '' });
  }
  for (const s of open(call)) {
    if (s.state === 'ringing') out.supervisor.push({ key: `supervisor:${s.id}`, role: 'supervisor', member: '', name: names.supervisor(s.id), note: 'ringing…', ghost: true, tone: '' });
  }
  return [...out.customer, ...out.supervisor, ...out.agent];
}

function note(call, p, sup, how) {
  if (p.role === 'customer') {
    const music = p === customerOf(call) && call.customer_hears === 'music' || p.held;
    return music ? (call.state === 'active' ? 'on hold ♪' : 'waiting ♪') : p.muted ? 'muted' : '';
  }
  if (p.role === 'agent') return p.held ? 'on hold ♪' : p.muted ? 'muted' : '';
  const confirmed = { monitor: 'listening', coach: 'coaching', open: 'taken over' };
  return { confirmed: confirmed[sup?.mode], changing: 'changing…', joining: 'joining…', raising: 'taking over…', unknown: 'may be heard' }[how] ?? '';
}

// voices returns the arrows: {listener, speaker, role, doubt}, by the keys of
// people. doubt marks what is not confirmed: "may" where the customer may hear
// whom they should not, "settling" where that is about to be confirmed.
export function voices(call, now) {
  const key = new Map(live(call).map((p) => [p.member, p]));
  return call.hears.filter((x) => key.has(x.listener) && key.has(x.speaker)).map((x) => {
    const [listener, speaker] = [key.get(x.listener), key.get(x.speaker)];
    const sup = speaker.role === 'supervisor' && listener.role === 'customer' ? open(call).find((q) => q.member === speaker.member) : null;
    return {
      listener: personKey(call, listener), speaker: personKey(call, speaker), role: speaker.role,
      doubt: sup ? { confirmed: '', unknown: 'may' }[standing(call, sup, now)] ?? 'settling' : '',
    };
  });
}

// music returns the keys of those who hear music.
export function music(call) {
  if (over(call)) return [];
  const customer = customerOf(call);
  const hears = (p) => p.role !== 'supervisor' && p.held || p === customer && call.customer_hears === 'music';
  return live(call).filter(hears).map((p) => personKey(call, p));
}

const gap = 4; // between a circle and an arrow's end
const besides = { roomy: 5.5, tight: 4 }; // of an arrow from the line between two centres
const tip = 9;

// sizes for up to so many people: the circles' radius, on a narrow page too, half
// the room at the sides there, and the radii of the ellipse.
const sizes = [
  { most: 3, r: 29, small: 25, side: 44, rx: 150, ry: 92 },
  { most: 4, r: 29, small: 25, side: 44, rx: 230, ry: 104 },
  { most: 6, r: 25, small: 21, side: 44, rx: 230, ry: 130 },
  { most: 8, r: 21, small: 13, side: 30, rx: 230, ry: 165 },
  { most: 10, r: 16, small: 13, side: 30, rx: 230, ry: 165 },
];

// layout places people around an ellipse: customers at the left, supervisors at
// the top, agents at the right. On an ellipse no arrow runs through a third
// circle, whoever hears whom.
export function layout(people, arrows, listening, width) {
  const n = people.length;
  const w = Math.max(260, Math.min(width, 640));
  const narrow = w < 430;
  const size = sizes.find((x) => n <= x.most) ?? sizes.at(-1);
  const r = narrow ? size.small : size.r;
  const flat = n <= 2 && new Set(people.map((p) => p.role)).size === n && !people.some((p) => p.role === 'supervisor'); // side by side
  const rx = n === 1 ? 0 : Math.min(w / 2 - (narrow ? size.side : 62), size.rx);
  const ry = flat ? 0 : size.ry;
  const angles = around(people);
  const nodes = people.map((p, i) => ({
    ...p, x: round(w / 2 + rx * Math.cos(angles[i])), y: round(-ry * Math.sin(angles[i])), r,
    up: Math.sin(angles[i]) > 0.3 && ry > 0, initials: initials(p), music: listening.includes(p.key),
  }));
  // The top and the bottom are where the outermost labels, or music, end.
  const [label, tune] = [r + 40, r + 56];
  const top = Math.min(...nodes.map((p) => p.y - (p.up ? label : p.music ? tune : r + 8)));
  const bottom = Math.max(...nodes.map((p) => p.y + (p.up ? (p.music ? tune : r + 8) : label)));
  for (const p of nodes) p.y = round(p.y - top);
  const height = Math.ceil(bottom - top);
  const at = new Map(nodes.map((p) => [p.key, p]));
  return {
    width: w, height, nodes,
    chars: Math.max(8, Math.floor(Math.min(nearest(nodes), 150) / 7)),
    arrows: arrows.filter((a) => at.has(a.listener) && at.has(a.speaker)).map((a) => ({ ...a, ...arrow(at.get(a.speaker), at.get(a.listener)) })),
  };
}

// around gives each of them an angle. A group has room for two at least, so that
// one supervisor stands in the middle of the top, whoever else there is.
function around(people) {
  const groups = ['customer', 'supervisor', 'agent'].map((role) => people.filter((p) => p.role === role).length);
  const share = groups.map((k) => (k === 0 ? 0 : Math.max(k, 2)));
  const step = (2 * Math.PI) / (share[0] + share[1] + share[2]);
  // Clockwise from where the customers begin; the supervisors' middle is on top.
  let angle = share[1] > 0 ? Math.PI / 2 + step * (share[1] / 2 + share[0]) : Math.PI + (step * share[0]) / 2;
  const out = [];
  groups.forEach((k, g) => {
    for (let i = 0; i < k; i++) out.push(angle - (step * share[g] * (i + 0.5)) / k);
    angle -= step * share[g];
  });
  return out;
}

// nearest is the smallest distance at which two labels stand side by side.
function nearest(nodes) {
  let least = Infinity;
  for (const a of nodes) {
    for (const b of nodes) {
      if (a !== b && a.up === b.up && Math.abs(a.y - b.y) < 40) least = Math.min(least, Math.abs(a.x - b.x));
    }
  }
  return least;
}

function arrow(from, to) {
  const beside = from.r <= 16 ? besides.tight : besides.roomy;
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const d = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / d, dy / d];
  const [nx, ny] = [-uy * beside, ux * beside];
  // Beside the centre line the circle's edge is nearer.
  const edge = (r) => Math.sqrt(Math.max(0, (r + gap) ** 2 - beside ** 2));
  const [a, b] = [edge(from.r), d - edge(to.r)];
  const point = (t, off = 0) => [round(from.x + ux * t + nx + (nx / beside) * off), round(from.y + uy * t + ny + (ny / beside) * off)];
  const [x1, y1] = point(a);
  const [x2, y2] = point(b - tip + 1);
  const [end, left, right] = [point(b), point(b - tip, 5), point(b - tip, -5)];
  const middle = point((a + b) / 2);
  return { x1, y1, x2, y2, middle, head: `M${end.join(' ')}L${left.join(' ')}L${right.join(' ')}Z` };
}

function initials(p) {
  if (p.role === 'customer') return '';
  const words = p.name.split(/[\s._@-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)].map((x) => [...x][0]) : [...(words[0] ?? '')].slice(0, 1);
  return letters.join('').toUpperCase();
}

// short cuts a name to what fits.
export function short(name, chars) {
  const letters = [...name];
  return letters.length <= chars ? name : `${letters.slice(0, Math.max(1, chars - 1)).join('')}…`;
}

function round(x) {
  return Math.round(x * 10) / 10;
}
