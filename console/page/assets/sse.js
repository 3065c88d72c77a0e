// The text of an event stream, taken apart. Unlike EventSource it shows comments
// too: the server's pings, by which a dead line is told from a quiet one.

// parser returns a function that takes pieces of text as they come and calls
// event({type, data, id}) for each event. id is the last one seen, as browsers
// keep it: a block with an id and nothing else moves it and fires nothing.
export function parser(event, lastID = '') {
  let rest = '';
  let type = '';
  let data = [];
  let id = lastID;
  let next = lastID; // of the block that has not ended
  const line = (text) => {
    if (text === '') {
      id = next;
      if (data.length > 0) event({ type: type || 'message', data: data.join('\n'), id });
      type = '';
      data = [];
      return;
    }
    const colon = text.indexOf(':');
    const name = colon < 0 ? text : text.slice(0, colon);
    let value = colon < 0 ? '' : text.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (name === 'event') type = value;
    else if (name === 'data') data.push(value);
    else if (name === 'id' && !value.includes('\0')) next = value;
  };
  const feed = (piece) => {
    let from = 0;
    let end = piece.indexOf('\n');
    if (end >= 0) end += rest.length;
    rest += piece;
    for (; end >= 0; end = rest.indexOf('\n', from)) {
      line(rest[end - 1] === '\r' && end > from ? rest.slice(from, end - 1) : rest.slice(from, end));
      from = end + 1;
    }
    rest = rest.slice(from);
  };
  feed.lastID = () => id;
  return feed;
}
