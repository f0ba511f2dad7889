'use strict';
// The test on one side, node-smpp on the other: JSON, a line each. Octets are {"hex": "…"} in both directions.

const readline = require('readline');

Buffer.prototype.toJSON = function () {
	return {hex: this.toString('hex')};
};

function octets(key, value) {
	return value && typeof value.hex === 'string' ? Buffer.from(value.hex, 'hex') : value;
}

exports.tell = (event, facts) => process.stdout.write(`${JSON.stringify({event, ...facts})}\n`);

exports.obey = (work) => {
	const input = readline.createInterface({input: process.stdin});
	input.on('line', (line) => work(JSON.parse(line, octets)));
	input.on('close', () => process.exit(0)); // the test is over
};
