let core = null;

/** The part that draws forms: fetched by the first notebook that may need it, and again if that failed. */
export function loadCore() {
  core ??= import(CORE_URL).catch(error => {
    core = null;
    throw error;
  });
  return core;
}
