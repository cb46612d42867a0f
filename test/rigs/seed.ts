import fc from 'fast-check';

/**
 * Property tests draw the same cases each time, so that a red run is about the change and can be run again.
 * `IMGBUILD_SEED=$RANDOM npx vitest run` draws others: worth doing now and then.
 */
fc.configureGlobal({ seed: Number(process.env.IMGBUILD_SEED ?? 1) });
