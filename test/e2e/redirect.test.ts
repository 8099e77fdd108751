/** The watch page when viewers are sent to the bucket for media: across origins, signed, in a real browser. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { PutBucketCorsCommand } from '@aws-sdk/client-s3';
import { s3Place } from '../../src/storage/s3-client.ts';
import { s3ServerSkip, startS3Server } from '../storage/s3-server.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { requireTool } from '../tools.ts';
import { untilPlayer } from '../web/player-page.ts';
import { launchBrowser, newPage, skip } from '../web/site.ts';
import { serverFolders, startServer } from './real-server.ts';
import { fetchAll, hlsTracks } from './served-tracks.ts';

const ffmpeg = requireTool('ffmpeg');
const SECONDS = 9;

test('the page plays from the bucket, whose rule lets every origin read', {
  skip: skip || s3ServerSkip(),
}, async () => {
  await using s3 = await startS3Server();
  const settings = await s3.bucket('store');
  using place = s3Place(settings);
  const rule = { AllowedOrigins: ['*'], AllowedMethods: ['GET', 'HEAD'], AllowedHeaders: ['*'] };
  const cors = { Bucket: 'store', CORSConfiguration: { CORSRules: [rule] } };
  await place.client.send(new PutBucketCorsCommand(cors));

  await using folder = await temporaryFolder();
  const film = join(folder.path, 'film.mp4');
  const source = `-v error -f lavfi -i testsrc2=size=320x180:rate=25:duration=${SECONDS} -f lavfi -i sine=duration=${SECONDS}
    -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac`;
  execFileSync(ffmpeg.path, [...source.trim().split(/\s+/), film]);
  await using folders = await serverFolders([film]);
  await using server = await startServer(folders, {
    SLUICE_STORE: 's3://store',
    SLUICE_MEDIA_REDIRECT: 'presigned',
    AWS_ENDPOINT_URL_S3: settings.endpoint!,
    AWS_ACCESS_KEY_ID: settings.credentials!.accessKeyId,
    AWS_SECRET_ACCESS_KEY: settings.credentials!.secretAccessKey,
  });
  const video = await server.video('film.mp4');
  // What is stored already is what viewers are sent elsewhere for.
  await fetchAll(await hlsTracks(video.playback.hls!));

  const browser = await launchBrowser();
  try {
    const page = await newPage(browser, server.url);
    const fromBucket = new Set<string>();
    page.on('response', (answer) => {
      if (answer.url().startsWith(settings.endpoint!)) fromBucket.add(`${answer.status()}`);
    });
    await page.goto(`${server.url}/watch/${video.id}`);
    await untilPlayer(page, ({ bufferedTo }) => bufferedTo > 0, 60_000);
    await page.evaluate(async () => {
      const player = document.querySelector('sluice-player') as unknown as { media: HTMLMediaElement };
      player.media.muted = true;
      await player.media.play();
    });
    await untilPlayer(page, ({ seconds, ended }) => ended || seconds > SECONDS - 1, 60_000);
    assert.deepEqual([...fromBucket], ['200']);
    const troubles = page.troubles.filter(
      (trouble) => !trouble.includes(`asked elsewhere: ${settings.endpoint}`),
    );
    assert.deepEqual(troubles, []);
  } finally {
    await browser.close();
  }
});
