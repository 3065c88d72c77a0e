// The picture of who hears whom: an arrow goes from a voice to the ear that hears
// it, in the colour of the voice; dashed is music.

import { h, s } from './dom.js';
import { cast, layout, music, short, voices } from './layout.js';
import { ears } from './words.js';

// diagram draws it, width pixels wide. The words beside it say the same.
export function diagram(call, { names, now, width, measured }) {
  const pic = layout(cast(call, names, now), voices(call, now), music(call), width);
  const words = ears(call, names, now);
  return h('figure', { class: 'diagram', 'data-testid': 'diagram' },
    h('div', { class: 'canvas', 'data-measure': 'diagram' },
      s('svg', {
        viewBox: `0 0 ${pic.width} ${pic.height}`, width: pic.width, height: pic.height, role: 'img', 'aria-label': 'Who hears whom', 'aria-describedby': 'ears',
        'data-measured': measured || null,
      },
      // In an order that lasts: an element that is moved begins its animation anew.
      inOrder(pic.arrows.map(voice)),
      inOrder(pic.nodes.map((p) => person(p, pic.chars))))),
    h('figcaption', null,
      h('p', { class: 'first', 'data-testid': 'customer-hears' }, words[0]),
      h('ul', { class: 'sr', id: 'ears', 'data-testid': 'ears', 'aria-label': 'Who hears whom' }, words.map((w) => h('li', { key: w }, w)))));
}

function inOrder(elements) {
  return elements.sort((a, b) => (a.props.key < b.props.key ? -1 : 1));
}

function voice(a) {
  // With the places in the key an arrow that must move is a new one and fades in.
  return s('g', {
    class: 'voice', key: `${a.listener}>${a.speaker} ${a.x1} ${a.y1} ${a.x2} ${a.y2}`,
    'data-hears': `${a.listener}>${a.speaker}`, 'data-role': a.role, 'data-doubt': a.doubt || null,
  },
  s('line', { x1: a.x1, y1: a.y1, x2: a.x2, y2: a.y2 }),
  s('path', { d: a.head }),
  a.doubt === 'may' && s('circle', { class: 'mark', cx: a.middle[0], cy: a.middle[1], r: 8 }),
  a.doubt === 'may' && s('text', { class: 'mark', x: a.middle[0], y: a.middle[1], dy: '0.35em' }, '?'));
}

function person(p, chars) {
  const name = short(p.name, chars);
  const note = short(p.note, Math.max(chars, 12));
  const side = p.up ? -1 : 1;
  const first = p.up ? -(p.r + (note ? 24 : 10)) : p.r + 18;
  return s('g', {
    class: 'node', key: p.key, 'data-person': p.key, 'data-role': p.role, 'data-ghost': p.ghost || null, 'data-tone': p.tone || null, 'data-note': p.note || null, 'data-small': p.r < 16 || null,
    style: { transform: `translate(${p.x}px, ${p.y}px)` },
  },
  s('title', null, p.note ? `${p.name}, ${p.note}` : p.name),
  p.music && tune(p, side),
  p.tone === 'alarm' && s('circle', { class: 'halo', r: p.r + 2 }),
  s('circle', { class: 'disc', r: p.r }),
  p.initials ? s('text', { class: 'initials', dy: '0.36em' }, p.initials) : figure(p.r),
  s('text', { class: 'name', y: first }, name),
  note && s('text', { class: 'note', y: first + 15 }, note));
}

// figure is a head and shoulders.
function figure(r) {
  const k = r / 29;
  return s('path', {
    class: 'figure', transform: `scale(${k})`,
    d: 'M0 -13a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0 -13ZM-12 14c0-7 5-11 12-11s12 4 12 11Z',
  });
}

// tune is the music that somebody hears: from beside them, where no label is.
function tune(p, side) {
  const y = -side * (p.r + 38);
  const end = -side * (p.r + 4);
  return s('g', { class: 'tune' },
    s('text', { y, dy: side > 0 ? '0' : '0.7em' }, '♫'),
    s('line', { x1: 0, y1: y + side * 5, x2: 0, y2: end - side * 8 }),
    s('path', { d: `M0 ${end}L5 ${end - side * 9}L-5 ${end - side * 9}Z` }));
}
