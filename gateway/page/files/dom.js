// Elements are made here, and only here. A text is always a text node: nothing that a client chose becomes HTML.

const svgSpace = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// el returns a new element. Attributes that begin with "on" are listeners; children are nodes or texts.
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

// draw returns a new SVG element.
export function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS(svgSpace, name), attributes, children);
}

// byId returns the element of the page with this id.
export function byId(id) {
  return document.getElementById(id);
}

// setText changes an element's text if it is another one.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// setClass adds or removes a class.
export function setClass(node, name, on) {
  if (node.classList.contains(name) !== on) node.classList.toggle(name, on);
}

// colour returns a colour of the style sheet as the browser resolved it: "rgb(1, 2, 3)".
export function colour(name) {
  probe ??= document.body.appendChild(el('i', {hidden: true}));
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}
let probe;

// scale returns how much larger than 16 px the page's text is: drawings grow with it.
export function scale() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
}

// nextFrame returns a function that has work done before the next painting, once, however often it is called.
export function nextFrame(work) {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      work();
    });
  };
}
