"""Supervises the process of one plugin version: starts it on demand, restarts it after a crash, and stops it.

With ``sidecar.auto_start``, the process starts when the plugin is loaded, otherwise at the first call. If the plugin's
slots are not cached, the process starts at once, to declare them. Without ``sidecar.keep_alive``, the process is
stopped after a minute without calls. After each of up to ``sidecar.max_retries`` consecutive crashes, without a slot
response in between, the next call restarts the process. After one more crash, the process stays down until a reload. A
call that exceeds its time limit also kills the process, but does not count as a crash.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import Final

from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.plugin.call import RunningCall
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import LoadPhase, PluginError, SlotFailedError, call_error
from zenowasm.plugin.guest.abi import INIT, REGISTER_SLOTS, parse_metadata, parse_slots, response_of
from zenowasm.plugin.guest.jsonvalue import JSONValue, encode
from zenowasm.plugin.host_functions.context import HostContext
from zenowasm.plugin.lifecycle.loaded_plugin import Declaration
from zenowasm.plugin.observing.trace import CallTrace
from zenowasm.plugin.sidecar.code import SidecarCode
from zenowasm.plugin.sidecar.errors import SidecarGaveUpError
from zenowasm.plugin.sidecar.session import Session
from zenowasm.plugin.worker import SlotRequest

IDLE_SECONDS: Final = 60.0
"""The seconds without a call after which a process without ``keep_alive`` is stopped."""


class SidecarKeeper:
    """The supervisor of a plugin version's process, which all workers share."""

    def __init__(self, code: SidecarCode, idle_seconds: float = IDLE_SECONDS) -> None:
        self.code = code
        self._idle_seconds = inf if code.plugin.manifest.sidecar.keep_alive else idle_seconds
        self._declaration: Declaration | None = None
        self._session: Session | None = None
        self._ending: list[Session] = []
        self._timer: threading.Timer | None = None
        self._workers = 0
        self._crashes = 0
        self._last_crash = ""
        self._lock = threading.Lock()

    @property
    def given_up(self) -> bool:
        """Whether the process has crashed too often."""
        return self._crashes > self.code.plugin.manifest.sidecar.max_retries

    @property
    def process(self) -> int | None:
        """The ID of the process that takes calls, ``None`` if there is none."""
        session = self._session
        return session.number if session is not None and session.usable else None

    def join(self) -> Declaration:
        """Add a worker and return the plugin's declaration.

        Raises ``LoadError`` if the process does not declare it, and ``SidecarGaveUpError``.
        """
        self._check()
        if self._declaration is None:
            with self.session(inf, INIT, self.code.plugin.limits):
                assert self._declaration is not None
        with self._lock:
            self._workers += 1
        return self._declaration

    def leave(self) -> None:
        """Remove a worker. After the last one, end the process and wait until it has ended."""
        with self._lock:
            self._workers -= 1
            if self._workers:
                return
            self._cancel_timer()
            if self._session is not None:
                self._ending.append(self._session)
                self._session = None
        self._end()

    @contextmanager
    def session(self, deadline: float, slot: str, limits: PluginLimits) -> Iterator[Session]:
        """Lend the process to a call of ``slot`` that must end by ``deadline``, starting it if necessary.

        Raises ``TimeLimitError`` if another call takes too long to start the process, and the errors of ``join``.
        """
        wait = -1 if deadline == inf else min(max(deadline - monotonic(), 0.0), threading.TIMEOUT_MAX)
        if not self._lock.acquire(timeout=wait):
            raise call_error(self.code.plugin.name, slot, Trap(TrapCode.INTERRUPTED), limits)
        try:
            session = self._take()
        finally:
            self._lock.release()
        try:
            yield session
        finally:
            self._give_back(session)

    @contextmanager
    def call(self, request: SlotRequest | None, trace: CallTrace) -> Iterator[HostContext]:
        """Set up the host context and deadline of one call; commit or roll back its transactions at the end.

        Without ``request``, the call is a phase of the plugin's loading.
        """
        plugin, log = self.code.plugin, self.code.log
        budget = None if request is None else request.budget
        limits = plugin.limits if budget is None else plugin.limits.within(budget)
        started = monotonic() if request is None else request.started
        scope = None if request is None else request.scope
        call = RunningCall(scope, inf if limits.seconds is None else started + limits.seconds, trace=trace)
        log.begin_call()
        try:
            yield plugin.context(log, call, limits)
        except BaseException as error:
            call.succeeded = False
            if isinstance(error, PluginError):
                plugin.redactor.error(error)
            raise
        finally:
            call.finish()

    def _take(self) -> Session:
        self._cancel_timer()
        if self._session is not None and not self._session.usable:
            self._retire(self._session)
        self._check()
        if self._session is None:
            session = Session(self.code)
            try:
                self._prepare(session)
            except BaseException:
                self._count(session)
                session.kill()
                raise
            self._session = session
        self._session.users += 1
        return self._session

    def _give_back(self, session: Session) -> None:
        with self._lock:
            session.users -= 1
            if session.answered:
                session.answered = False
                self._crashes = 0
            if not session.usable:
                self._retire(session)
            elif not session.users and self._idle_seconds != inf and session is self._session:
                self._timer = threading.Timer(self._idle_seconds, self._stop_idle, (session,))
                self._timer.daemon = True
                self._timer.start()

    def _retire(self, session: Session) -> None:
        """Give an unusable process no further calls, and kill it after the last one."""
        if session is self._session:
            self._session = None
            self._count(session)
        if not session.users:
            session.kill()

    def _count(self, session: Session) -> None:
        if session.crashed:
            self._crashes += 1
            self._last_crash = session.failure_text

    def _check(self) -> None:
        if self.given_up:
            name, retries = self.code.plugin.name, self.code.plugin.manifest.sidecar.max_retries
            raise SidecarGaveUpError(
                f"plugin {name}: {self._last_crash}; that is crash {self._crashes} in a row, and sidecar.max_retries "
                f"in manifest.yaml allows {retries} restarts: fix the plugin, then reload it"
            )

    def _stop_idle(self, session: Session) -> None:
        with self._lock:
            if session is not self._session or session.users:
                return
            self._session = None
            self._ending.append(session)
        self._end()

    def _end(self) -> None:
        with self._lock:
            ending = list(self._ending)
        for session in ending:
            session.stop()
            with self._lock:
                if session in self._ending:
                    self._ending.remove(session)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _prepare(self, session: Session) -> None:
        """Ask a new process for its metadata, and the first process for its slots."""
        with LoadPhase.METADATA.errors():
            metadata = parse_metadata(encode(self._phase(session, INIT)))
        if self._declaration is not None:
            return
        with LoadPhase.SLOTS.errors():
            slots = self._phase(session, REGISTER_SLOTS)
            if isinstance(slots, dict):
                slots = slots.get("slots")
            listed = parse_slots(encode(slots), self.code.plugin.services.limits.slots)
        self._declaration = Declaration(metadata, listed)

    def _phase(self, session: Session, slot: str) -> JSONValue:
        plugin = self.code.plugin
        with (
            plugin.services.instrumentation.phase(plugin.name, plugin.version, 0, slot) as trace,
            self.call(None, trace) as context,
        ):
            value = session.ask(slot, {}, context, is_phase=True).value
            response = response_of({**value, "data": None})
            if not response.success:
                raise SlotFailedError(slot, response.error or "it did not say why")
        return value.get("data")
