// Descriptions of elements, and how the document is made to equal them. Nodes
// are kept where they can be, so that focus, scrolling and transitions survive
// a change elsewhere. Data becomes text and attributes, never markup.

const SVG = 'http://www.w3.org/2000/svg';
const NODES = Symbol('nodes'); // of a parent: its children by identity
const PROPS = Symbol('props'); // of a node: as last set

// h describes an element. props are attributes, except: key tells siblings of
// one tag apart; on… are listeners; value and checked are set as properties;
// style is an object; keep leaves the children to somebody else.
export function h(tag, props, ...children) {
  return { tag, ns: null, props: props ?? {}, children: flat(children) };
}

// s is h for SVG.
export function s(tag, props, ...children) {
  return { tag, ns: SVG, props: props ?? {}, children: flat(children) };
}

function flat(children) {
  return children.flat(Infinity).filter((c) => c != null && c !== false && c !== '');
}

// render makes the children of parent those described.
export function render(parent, ...children) {
  const doc = parent.ownerDocument;
  const had = doc.activeElement;
  fill(parent, flat(children));
  if (had && had !== doc.body && had !== doc.activeElement && had.isConnected) {
    had.focus({ preventScroll: true }); // moving a node takes its focus away
  }
}

function fill(parent, children) {
  const had = parent[NODES] ?? new Map();
  if (!parent[NODES]) parent.replaceChildren();
  const now = new Map();
  const counts = new Map();
  for (const c of children) {
    const tag = c.tag ?? '#text';
    let id = c.props?.key;
    if (id == null) {
      id = (counts.get(tag) ?? 0) + 1;
      counts.set(tag, id);
      id = `#${id}`;
    }
    id = `${tag} ${id}`;
    const node = had.get(id) ?? make(parent.ownerDocument, c);
    now.set(id, node);
    if (c.tag) apply(node, c);
    else if (node.data !== String(c)) node.data = String(c);
  }
  for (const [id, node] of had) if (!now.has(id)) node.remove();
  let at = parent.firstChild;
  for (const node of now.values()) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  parent[NODES] = now;
}

function make(doc, c) {
  if (!c.tag) return doc.createTextNode(String(c));
  return c.ns ? doc.createElementNS(c.ns, c.tag) : doc.createElement(c.tag);
}

function apply(node, { props, children }) {
  const had = node[PROPS] ?? {};
  for (const name of Object.keys(had)) if (!(name in props)) set(node, name, null, had[name]);
  for (const [name, v] of Object.entries(props)) if (name !== 'value') set(node, name, v, had[name]);
  if (!props.keep) fill(node, children);
  if ('value' in props && node.value !== props.value) node.value = props.value; // after the options of a select
  node[PROPS] = props;
}

function set(node, name, v, had) {
  if (name === 'key' || name === 'keep') return;
  if (name.startsWith('on')) {
    if (v !== had) {
      if (had) node.removeEventListener(name.slice(2), had);
      if (v) node.addEventListener(name.slice(2), v);
    }
  } else if (name === 'style') {
    for (const p of Object.keys(had ?? {})) if (!v || !(p in v)) node.style.removeProperty(p);
    for (const [p, value] of Object.entries(v ?? {})) if (value !== had?.[p]) node.style.setProperty(p, value);
  } else if (name === 'checked') {
    node.checked = Boolean(v);
  } else if (v !== had) {
    const named = name.startsWith('data-') || name.startsWith('aria-'); // these say true and false
    if (v == null || v === false && !named) node.removeAttribute(name);
    else node.setAttribute(name, v === true && !named ? '' : String(v));
  }
}
