// Drives the debug adapter by Microsoft's client for adapter tests, and writes all messages that it receives.
// Arguments: the zenowasm command, the module, its source, a line of the source, the file for the messages, a TCP port or 0.
const assert = require('assert');
const fs = require('fs');
const {DebugClient} = require('@vscode/debugadapter-testsupport');

const [command, program, path, line, messages, port] = process.argv.slice(2);
const launch = {program, export: 'run', args: [3]};
const client = new DebugClient(command, 'dap', 'zenowasm', undefined, true);
const received = [];
const dispatch = client.dispatch.bind(client);
client.dispatch = (body) => {
  received.push(JSON.parse(body));
  dispatch(body);
};

/** Goes on, and returns the innermost frame of the next stop. */
async function goes(request, reason, ...rest) {
  const [, trace] = await Promise.all([
    request.call(client, {threadId: 1, ...rest[0]}),
    client.assertStoppedLocation(reason, {}),
  ]);
  return trace.body.stackFrames[0];
}

async function main() {
  await client.start(port === '0' ? undefined : Number(port));
  const place = {path, line: Number(line), verified: false};
  await client.hitBreakpoint(launch, place, {path, line: Number(line)});
  await client.threadsRequest();
  const [frame] = (await client.stackTraceRequest({threadId: 1})).body.stackFrames;
  assert.strictEqual(frame.name, 'run');

  const {scopes} = (await client.scopesRequest({frameId: frame.id})).body;
  assert.deepStrictEqual(scopes.map((it) => it.name), ['Variables', 'WebAssembly locals', 'Operand stack', 'Globals']);
  const all = [];
  for (const {variablesReference} of scopes) {
    all.push(...(await client.variablesRequest({variablesReference})).body.variables);
  }
  const list = all.find((it) => it.name === 'list');
  const members = (await client.variablesRequest({variablesReference: list.variablesReference})).body.variables;
  assert.strictEqual(members.find((it) => it.name === 'name').value, '"node2"');
  const evaluated = await client.evaluateRequest({expression: 'list->at.x * 10', frameId: frame.id, context: 'hover'});
  assert.strictEqual(evaluated.body.result, '20');
  await assert.rejects(client.evaluateRequest({expression: 'nowhere', frameId: frame.id}), /no variable nowhere/);

  const memory = await client.customRequest('readMemory', {memoryReference: list.memoryReference, count: 5});
  assert.strictEqual(Buffer.from(memory.body.data, 'base64').toString(), 'node2');
  const memoryReference = frame.instructionPointerReference;
  const code = await client.disassembleRequest({memoryReference, instructionOffset: -2, instructionCount: 5});
  assert.strictEqual(code.body.instructions[2].address, memoryReference);

  await client.setFunctionBreakpointsRequest({breakpoints: [{name: 'area', condition: 'p.x == 1'}]});
  const inside = await goes(client.continueRequest, 'breakpoint');
  assert.strictEqual(inside.name, 'area');
  const stepped = await goes(client.nextRequest, 'step');
  assert.strictEqual(stepped.line, inside.line + 1);
  const instruction = await goes(client.stepInRequest, 'step', {granularity: 'instruction'});
  assert.notStrictEqual(instruction.instructionPointerReference, stepped.instructionPointerReference);
  assert.strictEqual((await goes(client.stepOutRequest, 'step')).name, 'run');

  const [point] = (await client.scopesRequest({frameId: frame.id}).catch(() => ({body: {scopes: []}}))).body.scopes;
  assert.strictEqual(point, undefined); // the frame belongs to an earlier stop
  await client.setFunctionBreakpointsRequest({breakpoints: [{name: 'area', condition: 'p.x == 0'}]});
  const last = await goes(client.continueRequest, 'breakpoint');
  const [variables] = (await client.scopesRequest({frameId: last.id})).body.scopes;
  const {variablesReference} = variables;
  const info = await client.dataBreakpointInfoRequest({variablesReference, name: 'w'});
  await client.setDataBreakpointsRequest({breakpoints: [{dataId: info.body.dataId}]});
  await goes(client.continueRequest, 'data breakpoint');
  await client.setDataBreakpointsRequest({breakpoints: []});
  const [again] = (await client.stackTraceRequest({threadId: 1, levels: 1})).body.stackFrames;
  const [changed] = (await client.scopesRequest({frameId: again.id})).body.scopes;
  await client.setVariableRequest({variablesReference: changed.variablesReference, name: 'w', value: '1 + 1'});
  await client.customRequest('setExpression', {expression: 'w', value: '3', frameId: again.id});
  const bytes = {memoryReference: list.memoryReference, data: Buffer.from('NODE').toString('base64')};
  await client.customRequest('writeMemory', bytes);
  await client.completionsRequest({text: 'w', column: 2, frameId: again.id});
  await client.customRequest('loadedSources', {});
  await assert.rejects(client.exceptionInfoRequest({threadId: 1}), /neither at a trap nor at an exception/);
  await client.customRequest('setExceptionBreakpoints', {filters: ['trap', 'throw']});

  await assert.rejects(client.customRequest('gotoTargets', {}), /does not support the request 'gotoTargets'/);
  await Promise.all([client.restartRequest({}), client.assertStoppedLocation('breakpoint', {path, line: Number(line)})]);
  await client.setBreakpointsRequest({source: {path}, breakpoints: []});
  await client.setFunctionBreakpointsRequest({breakpoints: []});
  await Promise.all([
    client.continueRequest({threadId: 1}),
    client.assertOutput('stdout', '107\n'),
    client.waitForEvent('terminated'),
  ]);
  await client.stop();
  fs.writeFileSync(messages, JSON.stringify(received));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
