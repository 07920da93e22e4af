// Prints the folders of node_modules that the system needs to run, one a line, as package-lock.json tells them.
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const folders = Object.entries(packages)
  .filter(([folder, { dev, devOptional }]) => folder !== '' && dev !== true && devOptional !== true)
  .map(([folder]) => folder);
process.stdout.write(folders.map((folder) => `${folder}\n`).join(''));
