// Tabs as screen readers expect them: one tab stop, arrow keys between the tabs.

// Tabs shows the panel of the selected tab, and calls selected with its id.
export class Tabs {
  constructor(list, selected) {
    this.tabs = [...list.querySelectorAll('[role=tab]')];
    this.selected = selected;
    for (const tab of this.tabs) tab.addEventListener('click', () => this.select(tab));
    list.addEventListener('keydown', (event) => this.key(event));
  }

  key(event) {
    const at = this.tabs.indexOf(document.activeElement);
    const last = this.tabs.length - 1;
    const to = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    this.tabs[to].focus();
    this.select(this.tabs[to]);
  }

  select(tab) {
    for (const other of this.tabs) {
      const on = other === tab;
      other.setAttribute('aria-selected', String(on));
      other.tabIndex = on ? 0 : -1;
      document.getElementById(other.getAttribute('aria-controls')).hidden = !on;
    }
    this.selected(tab.id);
  }
}
