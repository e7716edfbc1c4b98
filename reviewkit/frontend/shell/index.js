import { rendererPlugin } from './renderer.js';
import { applicationPlugins } from './application.js';

/* The frame around this bundle uses both. */
