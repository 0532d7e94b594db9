"""The same job in Python: QoS 1 in, occupancy kept by car park, one result a message out."""

import json
import socket
import sys

import paho.mqtt.client as mqtt

taken: dict[str, int] = {}


def on_connect(client, _userdata, _flags, _reason, _properties):
    client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.subscribe("vlot/v1/+/json", qos=1)


def on_message(client, _userdata, message):
    reading = json.loads(message.payload)
    taken[reading["device"]] = reading["occupancy"]["occupied_spaces"]
    result = {"device": reading["device"], "free": 18 - taken[reading["device"]], "observed_at": reading["observed_at"]}
    client.publish("out/" + reading["device"], json.dumps(result), qos=0)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="peer-python", clean_session=False)
client.on_connect = on_connect
client.on_message = on_message
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_forever()
