import { render } from './main.js';
import { anywidget } from './anywidget.js';

/* The bundle exports both. */
