// catch.h: Catch2, whichever version the system has.
//
// Version 2 and version 3 differ in the names of their headers; of what our tests use, in no more.

#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
