/** How this program was started, and its last words: the part of the engine that the entries use. */
export { abortEngine, argv, environ, environment, setFatalHandler, startWith } from './engine.ts';
