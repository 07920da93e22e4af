// Completes package-lock.json: some registries do not carry packages for foreign platforms, and a lock file
// made against one of those omits them, after which `npm ci` refuses it. Run after every change of a dependency.
import { readFileSync, writeFileSync } from 'node:fs';

const path = 'package-lock.json';
const lock = JSON.parse(readFileSync(path, 'utf8'));
const parents = ['oxlint', 'oxlint-tsgolint'];
const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 'riscv64', 's390x'];

for (const parent of parents) {
  for (const [name, version] of Object.entries(lock.packages[`node_modules/${parent}`].optionalDependencies)) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined) continue;
    const words = name.split('/')[1].replace('binding-', '').split('-');
    const os = systems.filter((system) => words.includes(system));
    const cpu = processors.filter((processor) => words.includes(processor));
    lock.packages[key] = { version, cpu, dev: true, optional: true, os };
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries(sorted);
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
