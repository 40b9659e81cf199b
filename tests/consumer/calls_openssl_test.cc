// Where each library is a shared object, what only such a one calls is loaded, too.

#include <cstdlib>

#include "calls_openssl.h"

int main() {
    return consumer::openssl_major() >= 3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
