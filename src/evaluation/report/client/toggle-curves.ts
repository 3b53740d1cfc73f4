/** Browser code: the names over the curves show and hide them, and bring out the one under the pointer. */
export const TOGGLE_CURVES = `
for (const button of document.querySelectorAll('[data-toggle]')) {
  const curves = document.querySelectorAll('[data-series="' + button.dataset.toggle + '"]');
  button.addEventListener('click', () => {
    const shown = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(shown));
    for (const curve of curves) curve.classList.toggle('hidden', !shown);
  });
  button.addEventListener('pointerenter', () => curves.forEach((curve) => curve.classList.add('strong')));
  button.addEventListener('pointerleave', () => curves.forEach((curve) => curve.classList.remove('strong')));
}
`;
