#include "app/cli/exit_code.h"

#include <QTest>

using namespace kinora;
using namespace kinora::app;

class ExitCodeTest : public QObject {
    Q_OBJECT

  private slots:
    void followsTheContract() {
        for (ErrorCode code : {ErrorCode::InvalidArgument, ErrorCode::BadFile, ErrorCode::NotFound,
                               ErrorCode::Unsupported, ErrorCode::DoesNotFit})
            QCOMPARE(static_cast<int>(exitCodeFor(code)), 2);
        for (ErrorCode code :
             {ErrorCode::OutOfMemory, ErrorCode::DiskFull, ErrorCode::Busy, ErrorCode::WorkerLost})
            QCOMPARE(static_cast<int>(exitCodeFor(code)), 75);
        for (ErrorCode code : {ErrorCode::NonFinite, ErrorCode::Io, ErrorCode::Internal})
            QCOMPARE(static_cast<int>(exitCodeFor(code)), 1);
    }
};

QTEST_GUILESS_MAIN(ExitCodeTest)
#include "exit_code_test.moc"
