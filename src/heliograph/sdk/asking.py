"""How one method body serves both clients.

A method of a resource says what to ask: it returns an `Ask`. `asks` and `lists` make it a method of both clients. On a
`Heliograph` it gives the answer; on an `AsyncHeliograph` it gives what is to be awaited (`asks`) or gone through with
`async for` (`lists`). Type checkers see which of them.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from heliograph.sdk.drivers import Async, Calm
from heliograph.sdk.exchange import Ask
from heliograph.sdk.models import Page

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D", bound=Calm | Async)


class Resource(Generic[D]):
    """A group of methods, on one client."""

    def __init__(self, driver: D) -> None:
        self._driver = driver


class Asks(Generic[P, T]):
    """A method that gets one answer."""

    def __init__(self, make: Callable[Concatenate[Any, P], Ask[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, on: None, owner: type) -> "Asks[P, T]": ...
    @overload
    def __get__(self, on: Resource[Calm], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, on: Resource[Async], owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, on: Any, owner: type) -> Any:
        if on is None:
            return self
        make, driver = self._make, on._driver

        @wraps(make)
        def method(*args: Any, **named: Any) -> Any:
            return driver.perform(make(on, *args, **named))

        return method


class Lists(Generic[P, T]):
    """A method that goes through all pages of a list."""

    def __init__(self, make: Callable[Concatenate[Any, P], Ask[Page[T]]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, on: None, owner: type) -> "Lists[P, T]": ...
    @overload
    def __get__(self, on: Resource[Calm], owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, on: Resource[Async], owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, on: Any, owner: type) -> Any:
        if on is None:
            return self
        make, driver = self._make, on._driver

        @wraps(make)
        def method(*args: Any, **named: Any) -> Any:
            return driver.all_of(make(on, *args, **named))

        return method


def asks(make: Callable[Concatenate[Any, P], Ask[T]]) -> Asks[P, T]:
    return Asks(make)


def lists(make: Callable[Concatenate[Any, P], Ask[Page[T]]]) -> Lists[P, T]:
    return Lists(make)
