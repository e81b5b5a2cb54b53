// A canvas that was painted white keeps a light edge when its figure is dressed for a dark page: it is emptied and painted again.
(() => {
  const dress = motornet.dress, seen = new WeakMap();
  motornet.dress = (bokeh, element) => {
    dress(bokeh, element);
    const paper = getComputedStyle(document.body).backgroundColor;
    if (seen.get(bokeh) === paper) return;
    seen.set(bokeh, paper);
    const repaint = view => {
      if (view.model.type === 'Figure') {
        for (const layer of [view.canvas_view.primary, view.canvas_view.overlays]) layer.canvas.width = layer.canvas.width;
        view.request_paint();
      }
      for (const child of view.child_views ?? []) repaint(child);
    };
    for (const view of Bokeh.index) if (view.model.document === bokeh) repaint(view);
  };
})();
