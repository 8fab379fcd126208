"""
One measured call: of a function, a coroutine function, a generator or an async generator.

What is measured of a generator is its whole life, from the first value asked for to its
end; what is current (a span) is current only while its own code runs, never while it
waits for its consumer.
"""

from __future__ import annotations

import functools
import inspect
import logging

from typing import TYPE_CHECKING, Any, Protocol

from otel_flow.measure.function import called


if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping

    Begin = Callable[[tuple[Any, ...], Mapping[str, Any]], "Call"]
    Function = Callable[..., Any]


logger = logging.getLogger("otel_flow.measure")


class Call(Protocol):
    """What a decorator does about one call."""

    def resume(self) -> None:
        """The measured code begins or goes on."""

    def pause(self) -> None:
        """The measured code has stopped, for good or until it is resumed."""

    def end(self, error: BaseException | None) -> None:
        """The call has returned, or *error* has left it."""


class Unmeasured:
    """The call of which nothing is measured, because measuring it failed."""

    def resume(self) -> None:
        """Do nothing."""

    def pause(self) -> None:
        """Do nothing."""

    def end(self, error: BaseException | None) -> None:
        """Do nothing."""


class Guarded:
    """A call whose own faults never reach the code that it measures."""

    __slots__ = ("_call",)

    def __init__(
        self, begin: Begin, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> None:
        self._call: Call = Unmeasured()
        # Arguments are the application's, and what their properties and reprs raise too.
        try:
            self._call = begin(arguments, keywords)
        except Exception as error:
            _report(error)

    def resume(self) -> None:
        """Resume the call."""
        try:
            self._call.resume()
        except Exception as error:
            _report(error)

    def pause(self) -> None:
        """Pause the call."""
        try:
            self._call.pause()
        except Exception as error:
            _report(error)

    def end(self, error: BaseException | None) -> None:
        """End the call."""
        try:
            self._call.end(error)
        except Exception as failure:
            _report(failure)


def _report(error: Exception) -> None:
    logger.debug("a call was not measured: %s: %s", type(error).__name__, error)


def measured(target: Any, begin_of: Callable[[Function], Begin]) -> Any:
    """
    Return *target* with each of its calls measured.

    *begin_of* makes the beginning of calls of a function. Of a class, its own public methods
    are measured, static and class methods included, and the class itself is returned.
    """
    if isinstance(target, type):
        return _class(target, begin_of)
    if isinstance(target, staticmethod | classmethod):
        return type(target)(measured(target.__func__, begin_of))
    if isinstance(target, property):
        raise TypeError("cannot measure a property: decorate its function, below @property")
    if not callable(target):
        raise TypeError(f"cannot measure {target!r}: neither a function nor a class")
    return _wrapper(target)(target, begin_of(target))


def _wrapper(function: Function) -> Callable[[Function, Begin], Function]:
    function = called(function)
    if inspect.isasyncgenfunction(function):
        return _async_generator
    if inspect.isgeneratorfunction(function):
        return _generator
    if inspect.iscoroutinefunction(function):
        return _coroutine
    return _function


def _class(target: type, begin_of: Callable[[Function], Begin]) -> type:
    for name, member in list(vars(target).items()):
        method = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        if not name.startswith("_") and inspect.isfunction(method):
            setattr(target, name, measured(member, begin_of))
    return target


def _function(function: Function, begin: Begin) -> Function:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        call = Guarded(begin, arguments, keywords)
        call.resume()
        try:
            result = function(*arguments, **keywords)
        except BaseException as error:
            call.end(error)
            raise
        else:
            call.end(None)
            return result
        finally:
            call.pause()

    return wrapper


def _coroutine(function: Function, begin: Begin) -> Function:
    @functools.wraps(function)
    async def wrapper(*arguments: Any, **keywords: Any) -> Any:
        call = Guarded(begin, arguments, keywords)
        call.resume()
        try:
            result = await function(*arguments, **keywords)
        except BaseException as error:
            call.end(error)
            raise
        else:
            call.end(None)
            return result
        finally:
            call.pause()

    return wrapper


def _generator(function: Function, begin: Begin) -> Function:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **keywords: Any) -> Generator[Any, Any, Any]:
        call = Guarded(begin, arguments, keywords)
        generator = function(*arguments, **keywords)
        step, value = generator.send, None
        while True:
            call.resume()
            try:
                produced = step(value)
            except StopIteration as stop:
                call.end(None)
                return stop.value
            except BaseException as error:
                call.end(_unless_closed(error))
                raise
            finally:
                call.pause()
            # What the consumer throws, closing included, is for the measured code to handle.
            try:
                step, value = generator.send, (yield produced)
            except BaseException as thrown:
                step, value = generator.throw, thrown

    return wrapper


def _async_generator(function: Function, begin: Begin) -> Function:
    @functools.wraps(function)
    async def wrapper(*arguments: Any, **keywords: Any) -> AsyncGenerator[Any, Any]:
        call = Guarded(begin, arguments, keywords)
        generator = function(*arguments, **keywords)
        step, value = generator.asend, None
        while True:
            call.resume()
            try:
                produced = await step(value)
            except StopAsyncIteration:
                call.end(None)
                return
            except BaseException as error:
                call.end(_unless_closed(error))
                raise
            finally:
                call.pause()
            # As above: also the GeneratorExit of `aclose` goes to the measured code.
            try:
                step, value = generator.asend, (yield produced)
            except BaseException as thrown:
                step, value = generator.athrow, thrown

    return wrapper


def _unless_closed(error: BaseException) -> BaseException | None:
    """Return *error*; a consumer that needs no more values is no failure."""
    return None if isinstance(error, GeneratorExit) else error
