// Debugs a replay backwards by Microsoft's client for adapter tests, and writes all messages that it receives.
// Arguments: the zenowasm command, the recording, its source, the line of the last statement, the file for the messages.
const assert = require('assert');
const fs = require('fs');
const {DebugClient} = require('@vscode/debugadapter-testsupport');

const [command, replay, path, last, messages] = process.argv.slice(2);
const text = fs.readFileSync(path, 'utf8').split('\n');
const lineOf = (part) => text.findIndex((it) => it.includes(part)) + 1;
const thread = {threadId: 1};
const client = new DebugClient(command, 'dap', 'zenowasm', undefined, true);
const received = [];
const dispatch = client.dispatch.bind(client);
client.dispatch = (body) => {
  received.push(JSON.parse(body));
  dispatch(body);
};

/** Goes on, and returns the next stop. */
async function stops(request, ...rest) {
  const [, stop] = await Promise.all([request.call(client, {...thread, ...rest[0]}), client.waitForEvent('stopped')]);
  return stop.body;
}

async function where() {
  const [frame] = (await client.stackTraceRequest(thread)).body.stackFrames;
  return `${frame.name}:${frame.line}`;
}

async function value(expression) {
  return (await client.evaluateRequest({expression})).body.result;
}

async function watch(name) {
  const [{id: frameId}] = (await client.stackTraceRequest(thread)).body.stackFrames;
  const {dataId} = (await client.dataBreakpointInfoRequest({name, frameId})).body;
  const {breakpoints} = (await client.setDataBreakpointsRequest({breakpoints: [{dataId}]})).body;
  assert.ok(breakpoints[0].verified);
}

async function main() {
  await client.start();
  const capable = client.waitForEvent('capabilities');
  await client.hitBreakpoint({replay}, {path, line: Number(last), verified: false}, {path, line: Number(last)});
  assert.deepStrictEqual((await capable).body, {capabilities: {supportsStepBack: true}});
  await client.setBreakpointsRequest({source: {path}, breakpoints: []});
  assert.strictEqual(await value('answer[32]'), "50 '2'");

  await watch('answer[32]');
  assert.strictEqual((await stops(client.reverseContinueRequest)).reason, 'data breakpoint');
  assert.strictEqual(await where(), `plugin_execute:${lineOf('answer[32] =')}`);
  assert.strictEqual(await value('answer[32]'), "48 '0'");
  await stops(client.stepBackRequest);
  await stops(client.stepBackRequest);
  assert.strictEqual(await where(), `plugin_execute:${lineOf('host_log("info"')}`);
  await stops(client.stepBackRequest);
  assert.strictEqual(await where(), `plugin_execute:${lineOf('result = total')}`);

  await watch('list.count');
  assert.strictEqual((await stops(client.reverseContinueRequest)).reason, 'data breakpoint');
  assert.strictEqual(await where(), `plugin_execute:${lineOf('struct list list =')}`);
  await client.setDataBreakpointsRequest({breakpoints: []});
  await stops(client.nextRequest, {granularity: 'instruction'});
  await stops(client.stepBackRequest, {granularity: 'instruction'});

  assert.strictEqual((await stops(client.continueRequest)).description, 'the replay ends here');
  assert.deepStrictEqual((await client.stackTraceRequest(thread)).body, {stackFrames: [], totalFrames: 0});
  assert.strictEqual((await stops(client.stepBackRequest)).reason, 'step');
  assert.strictEqual((await stops(client.reverseContinueRequest)).description, 'the replay begins here');
  assert.strictEqual((await stops(client.continueRequest)).description, 'the replay ends here');
  const ended = Promise.all([client.waitForEvent('exited'), client.waitForEvent('terminated')]);
  await client.continueRequest(thread);
  assert.strictEqual((await ended)[0].body.exitCode, 0);
  await client.stop();
  fs.writeFileSync(messages, JSON.stringify(received));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
