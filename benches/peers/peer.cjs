// The same job in Node.js: QoS 1 in, occupancy kept by car park, one result a message out.
const mqtt = require("mqtt");
const port = process.argv[2];
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId: "peer-node", clean: false });
const taken = new Map();
client.on("connect", () => client.subscribe("vlot/v1/+/json", { qos: 1 }));
client.on("message", (_topic, payload) => {
  const reading = JSON.parse(payload.toString());
  taken.set(reading.device, reading.occupancy.occupied_spaces);
  const result = { device: reading.device, free: 18 - taken.get(reading.device), observed_at: reading.observed_at };
  client.publish(`out/${reading.device}`, JSON.stringify(result), { qos: 0 });
});
