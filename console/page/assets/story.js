// The history of a call, as sentences. Pure.

import { capital, doingNames, endWord, list, modeVerbs } from './words.js';

const rung = { answered: 'answered', 'no answer': 'no answer', busy: 'busy', refused: 'declined', 'given up': 'given up' };
const left = { 'call ended': '', left: '', 'not in the call any more': '' }; // what says no more than that they left
const verbs = {
  join: 'joining', 'set mode': 'changing the mode', 'take over': 'taking over', 'hand back': 'handing back', leave: 'leaving', mute: 'muting',
  unmute: 'unmuting', hold: 'putting on hold', resume: 'taking off hold', remove: 'removing', transfer: 'the transfer', end: 'ending the call',
};

// story returns the history, newest first: {seq, at, kind, text, by, tone}. by is
// who asked, where the sentence does not say so; tone is good, bad or nothing.
export function story(call, names) {
  const out = [];
  call.history.forEach((r, i) => {
    const told = tell(call, r, call.history.slice(0, i), names);
    if (told) out.push({ seq: r.seq, at: r.at, kind: r.kind, tone: '', by: by(r, names, told.by), ...told, person: roleOf(r) });
  });
  // Two sentences that say the same to a reader are one.
  return out.filter((e, i) => !(e.after && out[i - 1]?.kind === e.after)).reverse();
}

function roleOf(r) {
  return r.supervisor ? 'supervisor' : r.agent ? 'agent' : '';
}

// by names the actor, unless the sentence is about the actor's own doing.
function by(r, names, silent) {
  if (!r.actor?.id || silent === false) return '';
  if (r.actor.role === 'supervisor' && r.actor.id === r.supervisor) return '';
  return names.actor(r.actor);
}

function tell(call, r, before, names) {
  const sup = r.supervisor ? names.supervisor(r.supervisor) : '';
  const who = someone(call, r, names);
  switch (r.kind) {
    case 'answered': return { text: 'The customer called' };
    case 'adopted': return { text: 'The call was found under way; what happened before is not known' };
    case 'ringing': return { text: rings(call, r, names) };
    case 'reached': return { text: `${names.agent(r.agent)} talks with the customer`, tone: 'good' };
    case 'lost': return { text: 'Nobody is with the customer any more: music', tone: 'bad' };
    case 'joined': {
      if (!r.supervisor) return { text: `${who} answered` };
      const mode = before.findLast((b) => b.supervisor === r.supervisor && b.kind === 'asked')?.mode;
      return { text: `${sup} joined${mode ? `, ${doingNames[mode]}` : ''}`, by: false };
    }
    case 'left': return leaves(call, r, before, sup || who);
    case 'asked': {
      const own = r.actor?.role === 'supervisor' && r.actor.id === r.supervisor;
      const to = modeVerbs[r.mode] ?? 'come';
      if (own) return { text: `${sup} asked to join, to ${to}: the phone rings`, by: false };
      const asker = names.actor(r.actor);
      return { text: `${asker ? `${asker} asked for ${sup}` : `${sup} was asked`} to ${to}: the phone rings`, by: false };
    }
    case 'ticket': return { text: `${sup} may dial in, once` };
    case 'raised': return { text: `${sup} took over: the customer hears ${sup}`, tone: 'good' };
    case 'lowered': return { text: `${sup} hands back: the agent is audible again`, tone: '' };
    case 'done': return done(r, sup, who);
    case 'failed': return fails(r, before.at(-1), sup, who);
    case 'ending': return { text: `The call is ending: ${endWord(r.detail)}` };
    case 'ended': return { text: `The call ended: ${endWord(r.detail)}`, after: 'ending' };
    case 'recording': return { text: `Recording: ${r.detail ?? ''}` };
    default: return { text: capital([r.kind, sup || (r.member ? who : ''), r.detail].filter(Boolean).join(', ')) };
  }
}

// someone is whom a record is about, by the member where it has no id.
function someone(call, r, names) {
  if (r.agent) return names.agent(r.agent);
  const p = call.participants.find((q) => q.member === r.member);
  if (p?.agent) return names.agent(p.agent);
  if (p?.supervisor) return names.supervisor(p.supervisor);
  return p?.role === 'customer' ? 'The customer' : 'Somebody';
}

function rings(call, r, names) {
  const attempt = call.attempts.find((a) => a.started === r.at);
  if (!attempt || attempt.rings.length === 0) return 'Phones ring';
  const each = attempt.rings.map((x) => `${names.agent(x.agent)}${rung[x.outcome] ? ` (${rung[x.outcome]})` : ''}`);
  return `Rang ${list(each)}${r.detail ? ', to hand the call on' : ''}`;
}

function leaves(call, r, before, who) {
  const came = before.some((b) => b.kind === 'joined' && (r.supervisor ? b.supervisor === r.supervisor : b.member === r.member));
  if (r.supervisor && !wasIn(call, r, came)) return { text: `${who} did not join: ${r.detail || 'did not come'}`, tone: 'bad', by: false };
  const why = r.detail in left ? left[r.detail] : r.detail;
  const p = call.participants.find((q) => q.member === r.member);
  if (p?.role === 'customer') return { text: before.some((b) => b.kind === 'ending' && b.detail !== 'customer') ? 'The customer’s line was closed' : 'The customer hung up' };
  return { text: `${who} left${why ? ` (${why})` : ''}`, by: false };
}

// wasIn says whether the supervisor behind a record had come; the history may
// have lost the record of it.
function wasIn(call, r, came) {
  const s = call.supervisions.find((x) => x.id === r.supervisor && x.ended === r.at);
  return s ? Boolean(s.joined) : came;
}

function done(r, sup, who) {
  const text = {
    join: `${sup} is confirmed ${doingNames[r.mode] ?? 'in the call'}`,
    'set mode': `${sup} is ${doingNames[r.mode]}`,
    'take over': `${sup} is confirmed: taken over`,
    'hand back': `${sup} is ${doingNames[r.mode] ?? 'lowered'} again`,
    leave: `${sup} is out of the call`,
    mute: `${who} is muted`,
    unmute: `${who} is unmuted`,
    hold: `${who} is on hold`,
    resume: `${who} is off hold`,
    remove: `${who} was removed`,
    transfer: 'The call was transferred',
    end: 'The call was ended here',
  }[r.detail];
  const after = { join: 'joined', 'take over': 'raised', leave: 'left', end: 'ended' }[r.detail];
  return { text: text ?? capital(r.detail ?? 'done'), tone: 'good', after };
}

function fails(r, last, sup, who) {
  const [verb, ...why] = (r.detail ?? '').split(': ');
  const about = sup || (r.member ? who : '');
  const after = last?.detail && last.detail === why.join(': ') ? last.kind : ''; // that they left has said it
  return { text: `${about ? `${about}: ` : ''}${verbs[verb] ?? verb} did not work${why.length ? `, ${why.join(': ')}` : ''}`, tone: 'bad', after };
}
