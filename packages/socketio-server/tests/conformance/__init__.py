"""What the public documents of Engine.IO 4, Socket.IO 5 and RFC 6455 require, one test each, over the wire."""
