// The chosen colours, before anything is painted. Without a choice they are those of the system.
'use strict';

(() => {
  const root = document.documentElement;
  let choice = null;
  try {
    choice = localStorage.getItem('evergate-theme');
  } catch {
    // Storage is forbidden: the choice lasts as long as the page.
  }
  if (choice === 'light' || choice === 'dark') root.dataset.theme = choice;

  addEventListener('DOMContentLoaded', () => {
    for (const input of document.querySelectorAll('input[name=theme]')) {
      input.checked = input.value === (root.dataset.theme ?? 'auto');
      input.addEventListener('change', () => {
        if (input.value === 'auto') delete root.dataset.theme;
        else root.dataset.theme = input.value;
        try {
          localStorage.setItem('evergate-theme', input.value);
        } catch {
          // As above.
        }
        dispatchEvent(new Event('theme'));
      });
    }
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
    dispatchEvent(new Event('theme')),
  );
})();
