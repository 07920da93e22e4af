// Which folder of agent-native/src may include which: the direction of the design, and one folder for each framework.

/** The folders of ours that each folder may include, besides itself. */
const folders: Readonly<Record<string, readonly string[]>> = {
  base: [],
  sched: ['base'],
  trace: ['base', 'sched'],
  simulator: ['base', 'sched', 'trace'],
  model: ['base'],
  device: ['base'],
  engine: ['base', 'model'],
  'engine/openvino': ['base', 'model', 'engine'],
  'engine/sim': ['base', 'model', 'engine'],
  'engine/torch': ['base', 'model', 'engine'],
  'engine/workers': ['base', 'model', 'engine'],
  runtime: ['base', 'sched', 'trace', 'model', 'device', 'engine'],
  rpc: ['base', 'sched', 'trace', 'model', 'device', 'engine', 'runtime'],
  main: [
    'base',
    'sched',
    'trace',
    'simulator',
    'model',
    'device',
    'engine',
    'engine/openvino',
    'engine/sim',
    'engine/torch',
    'engine/workers',
    'runtime',
    'rpc',
  ],
};

/** Headers of a framework, and the only folder that sees it. */
const frameworks: readonly [header: RegExp, folder: string][] = [
  [/^(grpc|google\/protobuf)|\.pb\.h$/, 'rpc'],
  [/^openvino\//, 'engine/openvino'],
  [/^(torch|ATen|c10|cuda[a-z_]*\.h)/, 'engine/torch'],
  [/^archive/, 'model'],
  [/^openssl\//, 'model'],
];

/** The scheduler core has no clock, thread or I/O. */
const forbiddenInCore =
  /^(thread|mutex|atomic|chrono|iostream|fstream|cstdio|ctime|time\.h|unistd\.h|pthread\.h|sys\/.*)$/;

function folderOf(path: string): string {
  const known = Object.keys(folders).filter((folder) => path.startsWith(`${folder}/`));
  return known.sort((a, b) => b.length - a.length)[0] ?? path;
}

/** What is wrong with the includes of one file; `path` is relative to agent-native/src. */
export function wrongIncludes(path: string, text: string): string[] {
  const from = folderOf(path);
  const allowed = folders[from];
  if (allowed === undefined) return [`${path}: this folder has no rule`];
  const wrong: string[] = [];
  for (const [, open, header = ''] of text.matchAll(/^\s*#include\s+([<"])([^>"]+)[>"]/gm)) {
    const owner = frameworks.find(([pattern]) => pattern.test(header))?.[1];
    if (owner !== undefined && owner !== from) wrong.push(`${path}: only ${owner}/ may include ${header}`);
    if (from === 'sched' && forbiddenInCore.test(header)) wrong.push(`${path}: the core is pure, so no <${header}>`);
    if (open !== '"' || owner !== undefined) continue;
    const to = folderOf(header);
    if (to !== from && !allowed.includes(to)) wrong.push(`${path}: ${from}/ must not include ${header}`);
  }
  return wrong;
}
