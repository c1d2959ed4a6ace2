// A table that can be sorted and filtered. Only the rows in sight are in the page, so that thousands cost no more than
// dozens; screen readers are told of the others by aria-rowcount and aria-rowindex.

import {el, nextFrame, setClass, setText} from './dom.js';
import {count} from './format.js';

const beyond = 8; // rows above and below those in sight

// compare orders numbers by size and texts by letters; what is unknown comes last.
function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined || a === '') return 1;
  if (b === null || b === undefined || b === '') return -1;
  return a < b ? -1 : 1;
}

// Table shows rows. A column has an id, a title, value(row) by which it is sorted, show(row) for its text, and possibly
// width in letters, number, minor (left out where there is little room) and paint(cell, row), for more than a text.
export class Table {
  constructor({name, columns, sort, empty, filters = false, tools = []}) {
    this.columns = columns;
    this.sort = sort;
    this.empty = empty;
    this.all = [];
    this.rows = [];
    this.pool = [];
    this.caption = el('p', {class: 'caption', id: `caption-${name}`});
    this.filter = el('input', {
      type: 'search',
      placeholder: 'filter',
      'aria-label': `Filter ${name}`,
      spellcheck: 'false',
      oninput: () => this.arrange(),
    });
    this.heads = columns.map((column) => this.headOf(column));
    this.above = el('tr', {class: 'gap', 'aria-hidden': 'true'}, el('td', {colspan: columns.length}));
    this.below = el('tr', {class: 'gap', 'aria-hidden': 'true'}, el('td', {colspan: columns.length}));
    this.body = el('tbody', {}, this.above, this.below);
    this.table = el(
      'table',
      {class: 'rows', 'aria-labelledby': this.caption.id},
      el('colgroup', {}, ...columns.map((column) => this.widthOf(column))),
      el('thead', {}, el('tr', {}, ...this.heads)),
      this.body,
    );
    // The whole of a text that is cut is shown to the pointer.
    this.body.addEventListener('mouseover', (event) => {
      const cell = event.target.closest('td');
      if (cell && !columns[cell.cellIndex]?.paint) cell.title = cell.textContent;
    });
    this.paintSoon = nextFrame(() => this.paint());
    this.scroll = el(
      'div',
      {
        class: 'scroll',
        tabindex: 0,
        role: 'region',
        'aria-labelledby': this.caption.id,
        onscroll: this.paintSoon,
      },
      this.table,
    );
    this.root = el(
      'div',
      {class: 'list'},
      el('div', {class: 'bar'}, this.caption, ...tools, filters ? this.filter : null),
      this.scroll,
    );
    new ResizeObserver(() => {
      this.measure();
      this.paintSoon();
    }).observe(this.scroll);
  }

  headOf(column) {
    const button = el(
      'button',
      {
        type: 'button',
        onclick: () => {
          const same = this.sort.id === column.id;
          this.sort = {id: column.id, down: same ? !this.sort.down : Boolean(column.number)};
          this.scroll.scrollTop = 0;
          this.arrange();
        },
      },
      column.title,
    );
    return el('th', {scope: 'col', class: this.classOf(column)}, button);
  }

  widthOf(column) {
    const col = el('col', {class: column.minor ? 'minor' : null});
    col.style.width = `${(column.width ?? 12) * 0.56}rem`;
    return col;
  }

  classOf(column) {
    return (
      [column.number && 'number', column.minor && 'minor', column.plain && 'addr']
        .filter(Boolean)
        .join(' ') || null
    );
  }

  // set replaces the rows. note is added to the caption.
  set(rows, note = '') {
    this.all = rows;
    this.note = note;
    this.arrange();
  }

  // arrange filters and sorts.
  arrange() {
    const wanted = this.filter.value.trim().toLowerCase();
    const has = (row) =>
      this.columns.some((c) =>
        String(c.show(row) ?? '')
          .toLowerCase()
          .includes(wanted),
      );
    const column = this.columns.find((c) => c.id === this.sort.id);
    this.rows = wanted === '' ? [...this.all] : this.all.filter(has);
    if (column) {
      const keyed = this.rows.map((row) => [column.value(row), row]);
      keyed.sort((a, b) => (this.sort.down ? compare(b[0], a[0]) : compare(a[0], b[0])));
      this.rows = keyed.map((pair) => pair[1]);
    }
    const of = this.rows.length === this.all.length ? '' : `${count(this.rows.length)} of `;
    setText(
      this.caption,
      this.all.length === 0 ? this.empty(this.note) : `${of}${count(this.all.length)}${this.note}`,
    );
    this.scroll.hidden = this.all.length === 0;
    this.columns.forEach((c, i) =>
      this.heads[i].setAttribute(
        'aria-sort',
        c.id !== this.sort.id ? 'none' : this.sort.down ? 'descending' : 'ascending',
      ),
    );
    this.table.setAttribute('aria-rowcount', this.rows.length + 1);
    this.paintSoon();
  }

  // measure remembers the sizes of a row and of what is in sight: to ask for them at each frame would cost a layout.
  measure() {
    this.height =
      this.pool[0]?.root.offsetHeight || 2 * parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.view = this.scroll.clientHeight;
  }

  // paint fills the rows in sight.
  paint() {
    if (!this.view) this.measure();
    const {height, view} = this;
    if (view === 0) return;
    const sight = Math.ceil(view / height) + 2 * beyond;
    const from = Math.max(
      0,
      Math.min(Math.floor(this.scroll.scrollTop / height) - beyond, this.rows.length - sight),
    );
    const shown = this.rows.slice(from, from + sight);
    const first = this.pool.length === 0 && shown.length > 0;
    while (this.pool.length < shown.length) this.grow();
    if (first) this.measure();
    this.pool.forEach(({root, cells}, i) => {
      const row = shown[i];
      root.hidden = row === undefined;
      if (row === undefined) return;
      root.setAttribute('aria-rowindex', from + i + 2);
      this.columns.forEach((column, k) => {
        if (column.paint) column.paint(cells[k], row);
        else setText(cells[k], column.show(row) ?? '');
      });
    });
    this.above.firstChild.style.height = `${from * height}px`;
    this.below.firstChild.style.height = `${Math.max(0, this.rows.length - from - shown.length) * height}px`;
    setClass(this.above, 'used', from > 0);
  }

  grow() {
    const cells = this.columns.map((column) => el('td', {class: this.classOf(column)}));
    const root = el('tr', {}, ...cells);
    this.pool.push({root, cells});
    this.below.before(root);
  }
}
