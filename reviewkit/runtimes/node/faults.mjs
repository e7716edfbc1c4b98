// Shows in a live component's frame what goes wrong in it; loaded before the component is.

/** @param {string} [where] React's list of the components that an error passed */
export function tell(error, where = '') {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const place = document.getElementById('fault');
  const from = where.split('\n').map((line) => /^\s*at (\w+)/.exec(line)?.[1]).filter(Boolean).slice(0, 5);
  place.hidden = false;
  place.textContent += `${place.textContent ? '\n' : ''}${text}${from.length ? ` (in ${from.join(' < ')})` : ''}`;
}

addEventListener('error', (event) => tell(event.error ?? event.message));
addEventListener('unhandledrejection', (event) => tell(event.reason));
addEventListener('securitypolicyviolation', (event) => tell(`A live component asks no address for anything: ${event.blockedURI || event.effectiveDirective} was not asked.`));
addEventListener('click', (event) => {
  const link = event.target instanceof Element && event.target.closest('a[href]');
  if (!link || event.defaultPrevented || link.getAttribute('href').startsWith('#')) return;
  event.preventDefault();
  tell(`A live component leads to no other page: ${link.getAttribute('href')} was not opened.`);
});
