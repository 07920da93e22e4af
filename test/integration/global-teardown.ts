// Stops what global-setup.ts started; a cluster that was given by the environment is left alone.

export default async function stop(): Promise<void> {
  await globalThis.darisTestControlPlane?.stop();
  globalThis.darisTestControlPlane = undefined;
}
