// All sentences of the page that say something about a call. Pure.

import { customerOf, heardBy, live, member, over, ringing, standing } from './facts.js';

// namesOf returns the names of people, from what api/me answers. Who has none
// goes by the id.
export function namesOf(people) {
  const table = (list) => new Map((list ?? []).map((p) => [p.id, p.name || p.id]));
  const agents = table(people?.agents);
  const supervisors = table(people?.supervisors);
  return {
    agent: (id) => agents.get(id) ?? id,
    supervisor: (id) => supervisors.get(id) ?? id,
    actor: (a) => (a?.role === 'supervisor' ? supervisors.get(a.id) : a?.role === 'agent' ? agents.get(a.id) : null) ?? a?.id ?? '',
  };
}

// nameOf is a participant's name. The first customer is just that.
export function nameOf(p, names) {
  if (p.role === 'customer') return 'Customer';
  if (p.role === 'agent') return p.agent ? names.agent(p.agent) : 'Agent';
  return p.supervisor ? names.supervisor(p.supervisor) : 'Supervisor';
}

// within is a name in the middle of a sentence.
function within(p, names) {
  return p.role === 'customer' ? 'the customer' : nameOf(p, names);
}

// list joins words: a, b and c.
export function list(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function capital(s) {
  return s.charAt(0).toUpperCase() + s.slice(1);
}

// The modes, as a button, as what somebody does, and as what they are.
export const modeNames = { monitor: 'Monitor', coach: 'Coach', open: 'Taken over' };
const doing = { monitor: 'monitoring', coach: 'coaching', open: 'taken over' };
const infinitive = { monitor: 'monitor', coach: 'coach', open: 'take over' };

// modeHints say who hears a supervisor.
export const modeHints = {
  monitor: 'Hear the call, heard by nobody',
  coach: 'Heard by the agent, not by the customer',
};

// partHints say what a take-over does with the agents.
export const parts = [
  { value: 'keep', name: 'The agent stays', hint: 'and goes on talking with the customer' },
  { value: 'mute', name: 'The agent is muted', hint: 'hears everybody, is heard by nobody' },
  { value: 'hold', name: 'The agent is put on hold', hint: 'hears music' },
  { value: 'remove', name: 'The agent leaves', hint: 'handing back rings them again' },
];

// verbNames are the buttons.
export const verbNames = {
  'add-supervisor': 'Add supervisor to the call',
  barge: 'Join the call',
  'take-over': 'Take over the call',
  'hand-back': 'Hand back',
  'set-mode': 'Change mode',
  leave: 'Leave the call',
  hold: 'Hold',
  resume: 'Resume',
  mute: 'Mute',
  unmute: 'Unmute',
  remove: 'Remove',
  transfer: 'Transfer',
  end: 'End the call',
};

const phases = {
  connecting: 'Connecting', waiting: 'Waiting', ringing: 'Waiting', talking: 'Talking', hold: 'On hold', quiet: 'Connecting',
  ending: 'Ending', ended: 'Ended',
};

// phaseWord is where a call stands, in a word or two.
export function phaseWord(name) {
  return phases[name];
}

const endings = {
  customer: 'the customer hung up', agent: 'the agent said goodbye', nobody: 'nobody was found for the customer',
  host: 'it was ended here', left: 'everybody had left', unknown: 'the provider ended it',
};

// endWord says why a call ended.
export function endWord(reason) {
  return endings[reason] ?? reason ?? '';
}

const reasons = {
  'asked to leave': 'asked to stop', 'call ended': 'the call ended', 'given up': 'given up', refused: 'declined',
};

// standingWord is a supervision in words.
export function standingWord(call, sup, now) {
  switch (standing(call, sup, now)) {
    case 'ringing': return 'Ringing…';
    case 'joining': return `Joining to ${infinitive[sup.want]}, not confirmed yet…`;
    case 'confirmed': return `Confirmed: ${doing[sup.mode]}`;
    case 'changing': return `Changing to ${infinitive[sup.want] ?? 'leave'}…${sup.audible ? ' The customer may still hear them' : ''}`;
    case 'raising': return `Taking over…${sup.audible ? ' The customer may hear them already' : ''}`;
    case 'unknown': return 'Unknown: the customer may hear them';
    case 'refused': return `Refused: ${reasons[sup.reason] ?? sup.reason ?? 'did not come'}`;
    default: return 'Left the call';
  }
}

// chip is a supervision in a word, for lists.
export function chip(call, sup, now) {
  switch (standing(call, sup, now)) {
    case 'ringing': return 'Ringing';
    case 'confirmed': return modeNames[sup.mode];
    case 'unknown': return 'Unknown';
    case 'joining': return 'Joining…';
    case 'raising': return 'Taking over…';
    case 'refused': return 'Refused';
    case 'left': return 'Left';
    default: return `${modeNames[sup.want] ?? ''}…`;
  }
}

const customerEars = {
  'nothing-yet': 'The customer is being connected.',
  music: 'The customer hears music.',
  silence: 'The customer hears nobody.',
  unknown: 'Whom the customer hears is not confirmed.',
  farewell: 'The customer heard the farewell.',
  nothing: 'The call is over.',
};

// ears says who hears whom, a sentence for each listener, the customer first. now
// is the server's time in ms.
export function ears(call, names, now) {
  if (over(call)) return [customerEars[call.customer_hears] ?? 'The call is over.'];
  const customer = customerOf(call);
  const out = [];
  const who = (members) => list(members.map((m) => within(member(call, m), names)));
  const heard = customer ? heardBy(call, customer.member) : [];
  const how = (m) => {
    const sup = call.supervisions.find((s) => s.state === 'joined' && s.member === m);
    return sup ? standing(call, sup, now) : 'confirmed';
  };
  const sure = heard.filter((m) => how(m) === 'confirmed');
  const unsure = heard.filter((m) => !['confirmed', 'joining'].includes(how(m)));
  const first = sure.length > 0 ? `The customer hears ${who(sure)}` : unsure.length > 0 ? '' : customerEars[call.customer_hears] ?? customerEars.unknown;
  out.push(unsure.length === 0 ? first.replace(/([^.])$/, '$1.') : `${first ? `${first} and` : 'The customer'} may hear ${who(unsure)}.`);
  for (const p of live(call)) {
    if (p === customer) continue;
    const voices = heardBy(call, p.member);
    const name = capital(within(p, names));
    if (voices.length > 0) out.push(`${name} hears ${who(voices)}.`);
    else out.push(p.held ? `${name} is on hold and hears music.` : `${name} hears nobody.`);
  }
  for (const id of ringing(call)) out.push(`${names.agent(id)}’s phone rings.`);
  for (const sup of call.supervisions) if (sup.state === 'ringing') out.push(`${names.supervisor(sup.id)}’s phone rings.`);
  return out;
}

// problem says what became of a verb that failed.
export function problem(label, err, who) {
  const detail = err.detail ? `${capital(err.detail)}.`.replace(/\.\.$/, '.') : '';
  const text = () => {
    switch (err.kind) {
      case 'not-applied': return detail ? `Nothing changed. ${detail}` : 'Nothing changed.';
      case 'unknown': return `Nothing shows whether it took effect. ${detail}`;
      case 'conflict': return detail ? `Not now. ${detail}` : 'The state of the call forbids it now.';
      case 'denied': return 'You may not do this.';
      case 'call-ended': return 'The call is over.';
      case 'not-found': return 'There is no such call or person any more.';
      case 'not-running': return 'The service cannot do it now. Nothing was done.';
      case 'provider': return 'The telephone provider refused.';
      case 'unauthenticated': return 'You are signed out.';
      case 'offline': return 'The connection broke. If it took effect, the call shows it.';
      default: return detail || 'Something went wrong.';
    }
  };
  const loud = err.supervision?.audible ? ` The customer may hear ${who || 'them'}.` : '';
  return `${label}: ${text().trim()}${loud}`;
}

// success says that a verb took effect.
export function success(verb, who, { mode, agent } = {}) {
  switch (verb) {
    case 'add-supervisor': case 'barge': return `${who} joined, ${doing[mode] ?? 'in the call'}.`;
    case 'take-over': return `${who} has taken over the call.`;
    case 'hand-back': return `${who} handed back.`;
    case 'set-mode': return `${who} is ${doing[mode]} now.`;
    case 'leave': return `${who} left the call.`;
    case 'hold': return `${who} is on hold.`;
    case 'resume': return `${who} is off hold.`;
    case 'mute': return `${who} is muted.`;
    case 'unmute': return `${who} is unmuted.`;
    case 'remove': return `${who} was removed.`;
    case 'transfer': return `The call went to ${agent}.`;
    case 'end': return 'The call has ended.';
    default: return 'Done.';
  }
}

// ago says how old something is, for people: 40 s, 3 min.
export function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  return s < 100 ? `${s} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}

export { doing as doingNames, infinitive as modeVerbs, capital };
