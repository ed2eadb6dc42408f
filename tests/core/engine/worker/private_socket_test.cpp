#include "core/engine/worker/private_socket.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>
#include <poll.h>
#include <unistd.h>

using namespace kinora;
using namespace kinora::core;

class PrivateSocketTest : public QObject {
    Q_OBJECT

  private slots:
    void letsTheOneProcessInThatItExpects() {
        Result<PrivateSocket> socket = PrivateSocket::listen(m_path);
        QVERIFY(socket.ok());
        const Result<Descriptor> connected = connectPrivately(m_path, ::getpid());
        QVERIFY(connected.ok());
        const Descriptor accepted = socket->accept(::getpid());
        QVERIFY(accepted);
        QVERIFY(::write(connected->get(), "x", 1) == 1);
        char byte = 0;
        QVERIFY(::read(accepted.get(), &byte, 1) == 1 && byte == 'x');
    }

    void turnsAStrangerAway() {
        Result<PrivateSocket> socket = PrivateSocket::listen(m_path);
        const Result<Descriptor> connected = connectPrivately(m_path, ::getpid());
        QVERIFY(connected.ok());
        QVERIFY(!socket->accept(::getppid()));
        pollfd closed{connected->get(), POLLIN, 0};
        QCOMPARE(::poll(&closed, 1, 5000), 1);
        char byte = 0;
        QVERIFY(::read(connected->get(), &byte, 1) <= 0);
        QVERIFY(!socket->accept(::getpid())); // nobody waits
    }

    void doesNotTalkToAStranger() {
        const Result<PrivateSocket> socket = PrivateSocket::listen(m_path);
        const Result<Descriptor> connected = connectPrivately(m_path, ::getppid());
        QVERIFY(!connected);
        QVERIFY(connected.error().message().find("Another process") == 0);
    }

    void takesItsFileAway() {
        {
            const Result<PrivateSocket> socket = PrivateSocket::listen(m_path);
            QVERIFY(std::filesystem::exists(m_path));
            QVERIFY(!PrivateSocket::listen(m_path)); // it is taken
        }
        QVERIFY(!std::filesystem::exists(m_path));
        QVERIFY(!connectPrivately(m_path, ::getpid()));
    }

    void refusesAPathThatIsTooLong() {
        const std::filesystem::path path = "/tmp/" + std::string(120, 'x');
        QCOMPARE(PrivateSocket::listen(path).error().code(), ErrorCode::InvalidArgument);
        QCOMPARE(connectPrivately(path, 1).error().code(), ErrorCode::InvalidArgument);
    }

  private:
    QTemporaryDir m_folder;
    const std::filesystem::path m_path = m_folder.filePath("socket").toStdString();
};

QTEST_GUILESS_MAIN(PrivateSocketTest)
#include "private_socket_test.moc"
