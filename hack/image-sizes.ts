// Measures the images in build/images and writes bench/results/images.json; exit status 1 where one is above its limit.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { aboveLimit, compressedBytes, type ImageSize } from './image-size.ts';

const root = join(import.meta.dirname, '..');
/** 10^6 bytes, compressed. */
const limits = [
  { image: 'operator', limitMB: 110 },
  { image: 'agent', limitMB: 200 },
];

function measure({ image, limitMB }: { image: string; limitMB: number }): ImageSize {
  const archive = join(root, 'build', 'images', `${image}.tar`);
  const read = (file: string): string => execFileSync('tar', ['-xOf', archive, file], { encoding: 'utf8' });
  return { image, compressedMB: Math.round(compressedBytes(read) / 1e5) / 10, limitMB };
}

const sizes = limits.map(measure);
writeFileSync(join(root, 'bench', 'results', 'images.json'), `${JSON.stringify({ images: sizes }, null, 2)}\n`);
for (const { image, compressedMB, limitMB } of sizes) {
  process.stdout.write(`${image}: ${compressedMB} MB compressed, limit ${limitMB} MB\n`);
}
const failures = aboveLimit(sizes);
for (const failure of failures) process.stderr.write(`${failure}\n`);
process.exitCode = failures.length > 0 ? 1 : 0;
