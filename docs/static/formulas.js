// Formulas of the text, drawn with the MathJax that comes with Bokeh.
addEventListener('DOMContentLoaded', async () => {
  const provider = Bokeh.require('models/text/providers').default_provider;
  await provider.fetch();
  const draw = place => {
    const text = place.textContent.trim(), display = place.tagName === 'DIV' || text.startsWith('\\[');
    const tex = text.replace(/^\\[([]/, '').replace(/\\[)\]]$/, '').trim();
    const box = provider.MathJax.tex2svg(tex, {display, em: 16, ex: 8});
    box.setAttribute('role', 'img');
    box.setAttribute('aria-label', tex);
    place.replaceChildren(box);
    place.classList.add('drawn');
  };
  for (const place of document.querySelectorAll('.math')) draw(place);
  document.documentElement.dataset.formulas = 'drawn';
});
