"""The gdb remote serial protocol with LLDB's packets for WebAssembly: LLDB debugs guests through a session.

``wire`` frames packets, ``target`` keeps the guest, which runs in a thread of its own, and ``server`` answers packets;
while the guest is stopped, its thread answers those that look into it (``stopped``). ``modules`` numbers the modules.
"""
