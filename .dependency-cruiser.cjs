/**
 * Who may import whom. The layers are those of docs/architecture.md; `scripts/layers.mjs` runs this and fails when too
 * few modules were read, since a misread tree has no violations.
 */
const product = 'gateway|consumers|aggregators|archive|query|dashboard';
const only = (name, from, library) => ({
  name,
  severity: 'error',
  comment: `only ${from} may import ${library}`,
  from: { path: '^src/', pathNot: from },
  to: { path: `^node_modules/(${library})(/|$)` },
});
const layer = (name, may) => ({
  name: `layer-${name}`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: `^src/(${[name, ...may].join('|')})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'nothing-imports-the-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    ...product.split('|').map((name) => layer(name, ['events', 'messaging', 'shared'])),
    layer('import', ['events', 'shared']),
    layer('simulator', ['events', 'import', 'shared']),
    layer('messaging', ['events', 'shared']),
    layer('events', ['shared']),
    layer('shared', []),
    layer('broker', ['shared']),
    layer('local', ['shared']),
    layer('tracker', []),
    {
      name: 'folders-are-entered-by-their-index',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: {
        path: '^src/(events|messaging|gateway|consumers|aggregators|archive|query|dashboard|broker|local|import|simulator)/',
        pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$'],
      },
    },
    only('azure-sdks-in-messaging', '^src/messaging/', '@azure/[^/]+'),
    only('redis-in-sinks-and-query', '^src/(aggregators/sink|consumers/[^/]+|query|local)/', 'ioredis'),
    only('fastify-in-http', '^src/(gateway|query|dashboard)/', 'fastify|@fastify/[^/]+|fastify-plugin'),
    only('rhea-in-the-broker', '^src/broker/', 'rhea'),
    { name: 'no-dev-dependencies', severity: 'error', from: { path: '^src/' }, to: { dependencyTypes: ['npm-dev'] } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
