// Loader of the widget form of a review form. The forms themselves come once per kernel, in a widget of their own:
// a copy in each of a dozen widgets would be sent and kept a dozen times.
async function core(model) {
  const holder = await model.widget_manager.get_model(model.get('core'));
  const key = holder.get('digest');
  const loaded = (globalThis.reviewkitCores ??= new Map());
  if (!loaded.has(key)) {
    const url = URL.createObjectURL(new Blob([holder.get('code')], { type: 'text/javascript' }));
    loaded.set(
      key,
      import(url).finally(() => URL.revokeObjectURL(url))
    );
  }
  return loaded.get(key);
}

export default {
  async render(context) {
    const { anywidget } = await core(context.model);
    return anywidget.render(context);
  }
};
