#include "kernels/base/cancel_token.h"

#include <doctest/doctest.h>

#include <thread>

using namespace kinora;

TEST_CASE("a fresh token lets work go on") {
    const CancelToken token;
    CHECK_FALSE(token.cancelled());
    CHECK_NOTHROW(token.check());
}

TEST_CASE("copies share the flag") {
    CancelToken token;
    const CancelToken copy = token;
    token.cancel();
    CHECK(copy.cancelled());
    CHECK_THROWS_AS(copy.check(), Cancelled);
}

TEST_CASE("another thread sees it, also after the asker is gone") {
    auto asker = std::make_unique<CancelToken>();
    std::thread worker([token = *asker] {
        while (!token.cancelled()) {
            std::this_thread::yield();
        }
    });
    asker->cancel();
    asker.reset();
    worker.join();
    CHECK(asker == nullptr);
}
