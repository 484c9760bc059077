// Lint rules. Formatting is prettier's, import directions are dependency-cruiser's.
import tseslint from 'typescript-eslint';

/** What Node has and the engine lacks (docs/engine.md). */
const nodeGlobals = [
  'Buffer',
  'process',
  'console',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'TextEncoder',
  'TextDecoder',
  'URL',
  'URLSearchParams',
  'Intl',
  'structuredClone',
  'performance',
  'crypto',
  'fetch',
  'Event',
  'EventTarget',
  'AbortController',
  'AbortSignal',
  'atob',
  'btoa',
  'require',
  'module',
  'global',
  '__dirname',
  '__filename',
];

/** Folders that must give the same answer for the same input, wherever they run. */
const pure = ['base', 'abi', 'codec', 'oci', 'libcontainer/plan'].map((folder) => `agent/src/${folder}/**/*.ts`);

export default tseslint.config(
  { ignores: ['build/', '.cache/', '**/node_modules/', '**/generated/', 'proto/gen/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true },
      ],
      // What was caught, or a signal's reason, may be thrown again.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true, allowThrowingAny: true }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      // An interface that may wait has implementations that need not.
      '@typescript-eslint/require-await': 'off',
      // Text of a thrown value, whatever it is.
      '@typescript-eslint/no-base-to-string': 'off',
      // Tables keyed by integers are null-prototype objects: the engine's Map is slow with integer keys (docs/engine.md).
      '@typescript-eslint/no-dynamic-delete': 'off',
      // Generated types know the methods of today.
      '@typescript-eslint/no-redundant-type-constituents': 'off',
      eqeqeq: ['error', 'always'],
      'no-var': 'error',
      'prefer-const': ['error', { ignoreReadBeforeAssign: true }],
      'object-shorthand': 'error',
      'max-lines': ['warn', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['agent/src/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...nodeGlobals.map((name) => ({ name, message: 'The engine does not have it.' })),
      ],
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['node:*'], message: 'The agent runs on the engine, not on Node.' }] },
      ],
    },
  },
  {
    files: pure,
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Pure code has no clock: take the time as an argument.' },
        { object: 'Math', property: 'random', message: 'Pure code has no randomness: take it as an argument.' },
      ],
    },
  },
  {
    files: ['agent/src/abi/**/*.ts'],
    rules: { 'max-lines': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'max-lines': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
);
