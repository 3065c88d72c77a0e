// The customer and the agents of a call, and what one may do with each of them.
// Supervisors have a list of their own.

import { verbButton } from './buttons.js';
import { h } from './dom.js';
import { customerOf, ending, live, onlyVoice, overlay, personKey, ringing } from './facts.js';
import { timeOf } from './timeline.js';
import { nameOf } from './words.js';

const roles = { customer: 'customer', agent: 'agent', supervisor: 'supervisor' };

export function participants(view) {
  const { call, names } = view;
  const shown = call.participants.filter((p) => p.role !== 'supervisor' || !call.supervisions.some((s) => s.member === p.member));
  const here = shown.filter((p) => !p.left);
  const left = shown.filter((p) => p.left);
  const rung = ringing(call);
  return h('section', { class: 'card', 'aria-labelledby': 'h-people', 'data-testid': 'participants' },
    h('h3', { id: 'h-people' }, 'People'),
    h('ul', { class: 'people-list' },
      here.map((p) => row(view, p)),
      rung.map((id) => h('li', { key: `rings ${id}`, 'data-person': `agent:${id}`, 'data-ringing': true },
        h('span', { class: 'dot', 'data-role': 'agent' }), h('span', { class: 'about' }, h('span', { class: 'strong' }, names.agent(id)), h('span', { class: 'soft' }, 'agent, phone rings')))),
      left.slice(-6).map((p) => h('li', { class: 'away', key: p.member, 'data-left': true },
        h('span', { class: 'dot', 'data-role': p.role }),
        h('span', { class: 'about' }, h('span', null, nameOf(p, names)), h('span', { class: 'soft' }, `${roles[p.role] ?? ''}, left `, timeOf(p.left))))),
      shown.length + rung.length === 0 && h('li', { key: 'none', class: 'soft' }, 'Nobody yet.')),
    left.length > 6 && h('p', { class: 'soft' }, `${left.length - 6} more were here before.`));
}

function row(view, p) {
  const { call, names } = view;
  const state = [p.muted && p.role !== 'supervisor' && 'muted', p.held && 'on hold ♪', !p.confirmed && 'changing…'].filter(Boolean);
  const customer = p.role === 'customer';
  return h('li', { key: p.member, 'data-person': personKey(call, p), 'data-member': p.member, 'data-muted': p.muted, 'data-held': p.held },
    h('span', { class: 'dot', 'data-role': p.role }),
    h('span', { class: 'about' },
      h('span', { class: 'strong' }, nameOf(p, names), isMe(view, p) && h('span', { class: 'you' }, 'you')),
      h('span', { class: 'soft' }, customer ? p.address || call.from : roles[p.role] ?? '', ', since ', timeOf(p.joined)),
      state.length > 0 && h('span', { class: 'state' }, state.join(', '))),
    !ending(call) && !isMe(view, p) && !(customer && live(call).some((q) => q.role === 'agent' && isMe(view, q))) && h('span', { class: 'controls' }, controls(view, p)));
}

// isMe reports whether a participant is who is looking.
export function isMe({ me }, p) {
  return me.actor.role === p.role && (p[p.role] ?? '') === me.actor.id;
}

// controls are the verbs on one participant, as far as they are allowed.
export function controls(view, p, kind = 'small') {
  const { call, names, may } = view;
  if (p.role === 'supervisor' || call.state !== 'active') return null;
  const who = p.role === 'customer' ? 'the customer' : nameOf(p, names);
  const name = nameOf(p, names);
  const cover = overlay(call);
  const covered = p.role === 'agent' && cover ? `A take-over by ${names.supervisor(cover.id)} keeps them silent: hand back first` : '';
  const own = kind === 'small' ? '' : null; // one's own need no name
  const make = (verb, why) => verbButton(view, {
    verb, call: call.id, target: p.member, kind, why, label: own == null ? null : `${labels[verb]} ${who}`,
    press: () => view.verbs.press({ verb, call: call.id, target: p.member, body: { member: p.member }, who: name }),
  });
  // The only voice is held by holding the customer, and comes back likewise.
  const held = p.held || p.role === 'agent' && Boolean(customerOf(call)?.held) && !covered;
  return [
    held ? may('Resume') && make('resume', p.held ? covered : '') : may('Hold') && make('hold'),
    p.role === 'agent' && (p.muted ? may('Unmute') && make('unmute', covered)
      : may('Mute') && make('mute', onlyVoice(call, p) ? 'They are the only one whom the customer hears. Use hold' : '')),
    p.role === 'agent' && kind === 'small' && may('Remove') && make('remove'),
  ];
}

const labels = { hold: 'Hold', resume: 'Resume', mute: 'Mute', unmute: 'Unmute', remove: 'Remove' };
