/** How this program was started, and its last words: the part of the engine that the entries use. */
export { abortEngine, argv, environment, environmentValue, setFatalHandler, startWith } from './engine.ts';
