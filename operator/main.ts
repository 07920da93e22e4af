// Starts the operator and listens for the signals that end it. Everything else is in app.ts.
import { pino, type Logger } from 'pino';

import { SystemClock } from '../kube/clock.ts';
import { AppError } from '../kube/errors.ts';
import { createApp, type App } from './app.ts';
import { ConfigError, helpText, lostStatus, parseConfig } from './config.ts';

const stopLimitMs = 4_500;

async function run(app: App, log: Logger): Promise<void> {
  const told = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => resolve(signal));
  });
  const { metricsPort } = await app.start();
  log.info({ metricsPort }, 'operator started');
  const lost = app.lost.then((reason) => ({ reason }));
  const end = await Promise.race([told.then((signal) => ({ signal })), lost]);
  const status = 'reason' in end ? lostStatus : 0;
  if (status === 0) log.info(end, 'operator stops');
  else log.error({ ...end, status }, 'operator ends, since it does not lead any more');
  process.exitCode = status;
  setTimeout(() => process.exit(status || 1), stopLimitMs).unref();
  await app.stop();
}

async function main(): Promise<void> {
  const config = parseConfig(process.argv.slice(2), process.env);
  if (config === 'help') {
    process.stdout.write(helpText());
    return;
  }
  const log = pino({ level: config.logLevel, base: { component: 'operator' } });
  await run(createApp({ config, clock: new SystemClock(), log }), log);
}

try {
  await main();
} catch (error) {
  // What we name ourselves is for the person who started us; anything else is our own bug and ends with its stack.
  if (!(error instanceof ConfigError || error instanceof AppError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
