// What follows from a call as the API shows it. Pure.

// live returns who is in the call.
export function live(call) {
  return call.participants.filter((p) => !p.left);
}

// personKey names a participant in diagrams and tests: customer, agent:ann,
// supervisor:lee. Whoever has no id of the host's goes by the member.
export function personKey(call, p) {
  if (p.role === 'customer') {
    const first = live(call).find((q) => q.role === 'customer') ?? p;
    return p.member === first.member ? 'customer' : `customer:${p.member}`;
  }
  return `${p.role}:${p[p.role] || p.member}`;
}

// ringing returns the agents whose phones ring.
export function ringing(call) {
  if (over(call)) return [];
  const last = call.attempts.at(-1);
  if (!last || last.ended) return [];
  return last.rings.filter((r) => !r.outcome || r.outcome === 'pending').map((r) => r.agent);
}

// over reports whether the call has ended.
export function over(call) {
  return call.state === 'ended';
}

// ending reports whether nothing can be asked of the call any more.
export function ending(call) {
  return over(call) || Boolean(call.end_reason);
}

// open returns the supervisions that go on: ringing or joined.
export function open(call) {
  return call.supervisions.filter((s) => s.state !== 'ended');
}

// closed returns the ended supervisions of those who are not in the call now,
// the latest of each, newest first.
export function closed(call) {
  const seen = new Set(open(call).map((s) => s.id));
  const out = [];
  for (const s of [...call.supervisions].reverse()) {
    if (!seen.has(s.id)) out.push(s);
    seen.add(s.id);
  }
  return out;
}

export function supervisionOf(call, id) {
  return call.supervisions.findLast((s) => s.id === id);
}

export function member(call, id) {
  return call.participants.find((p) => p.member === id);
}

export function customerOf(call) {
  return live(call).find((p) => p.role === 'customer');
}

export function agentsOf(call) {
  return live(call).filter((p) => p.role === 'agent');
}

// heardBy returns the members that a listener hears.
export function heardBy(call, listener) {
  return call.hears.filter((h) => h.listener === listener).map((h) => h.speaker);
}

// onlyVoice reports whether p is the only one whom the customer hears: muting
// them is refused.
export function onlyVoice(call, p) {
  const c = customerOf(call);
  if (!c) return false;
  const heard = heardBy(call, c.member);
  return heard.length === 1 && heard[0] === p.member;
}

// overlay returns the supervision whose take-over keeps the agents muted or on
// hold, if there is one.
export function overlay(call) {
  return open(call).find((s) => s.took_over && (s.agent === 'mute' || s.agent === 'hold'));
}

// phase says where a call stands, and since when.
//
//	connecting  the customer is not in the call yet
//	waiting     the customer has nobody, and nobody's phone rings
//	ringing     the same, and phones ring
//	talking     the customer hears people
//	hold        the customer hears music, and somebody is there to take it off
//	quiet       people are there, and the customer hears none of them for certain
//	ending, ended
export function phase(call) {
  const at = (kind, also = () => true) => call.history.findLast((r) => r.kind === kind && also(r))?.at;
  if (over(call)) return { name: 'ended', since: call.ended || call.created };
  if (call.end_reason) return { name: 'ending', since: at('ending') || call.created };
  if (call.state === 'answered') return { name: 'connecting', since: call.created };
  const alone = { name: ringing(call).length > 0 ? 'ringing' : 'waiting' };
  if (call.state !== 'active') return { ...alone, since: call.created };
  if (call.customer_hears === 'people') return { name: 'talking', since: call.activated || call.created };
  const company = agentsOf(call).length > 0 || open(call).some((s) => s.state === 'joined' && s.took_over);
  if (!company) return { ...alone, since: at('lost') || call.activated || call.created };
  if (call.customer_hears === 'music') {
    const c = customerOf(call);
    return { name: 'hold', since: at('done', (r) => r.detail === 'hold' && r.member === c?.member) || call.activated || call.created };
  }
  return { name: 'quiet', since: call.activated || call.created };
}

// isWaiting reports whether the customer has nobody to talk with.
export function isWaiting(call) {
  return ['connecting', 'waiting', 'ringing'].includes(phase(call).name);
}

// isCoached reports whether a supervisor is in the call or on the way.
export function isCoached(call) {
  return open(call).length > 0;
}

// byUrgency sorts calls: the longest waiting first, then the oldest.
export function byUrgency(calls) {
  const rank = new Map(calls.map((c) => [c, isWaiting(c) ? 0 : 1]));
  const since = new Map(calls.map((c) => [c, rank.get(c) === 0 ? phase(c).since : c.created]));
  return [...calls].sort((a, b) => rank.get(a) - rank.get(b) || cmp(since.get(a), since.get(b)) || cmp(a.id, b.id));
}

function cmp(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

// patience is how long a lowering that was begun, or the first look at somebody
// who has joined, may take before it counts as what nothing confirms: the
// library promises 8 s.
const patience = 8000;

// standing says how a supervision stands. now is the server's time in ms.
//
//	ringing    their phone rings
//	joining    just in, and not looked at yet: by the rules unheard, but nothing shows it
//	confirmed  in the call, in the mode that is wanted
//	changing   in the call, and the mode wanted is not confirmed yet
//	raising    a take-over is under way
//	unknown    the customer may hear them, and should not
//	refused    never came
//	left       was in the call
export function standing(call, sup, now) {
  if (sup.state === 'ended') return sup.joined ? 'left' : 'refused';
  if (sup.state === 'ringing') return 'ringing';
  if (sup.want === 'open') return sup.mode === 'open' ? 'confirmed' : 'raising';
  if (sup.audible) {
    const last = call.history.findLast((r) => r.supervisor === sup.id && ['joined', 'raised', 'lowered', 'failed'].includes(r.kind));
    const begun = { joined: sup.mode ? '' : 'joining', lowered: 'changing' }[last?.kind];
    return begun && now - Date.parse(last.at) < patience ? begun : 'unknown';
  }
  return sup.mode === sup.want ? 'confirmed' : 'changing';
}

// matches reports whether a call has all the words of a query in the numbers,
// the people or the data.
export function matches(call, query, names) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const agents = [...live(call).map((p) => p.agent), ...ringing(call)].filter(Boolean);
  const hay = [
    call.from, call.to, call.id, ...Object.values(call.data ?? {}),
    ...agents.flatMap((id) => [id, names.agent(id)]),
    ...open(call).flatMap((s) => [s.id, names.supervisor(s.id)]),
  ].join('\n').toLowerCase();
  return words.every((w) => hay.includes(w));
}
